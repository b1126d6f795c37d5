/**
 * The device's database: IndexedDB, one row per alarm and per unsent command,
 * and one row of facts about the rest. Every change is one transaction, and a
 * promise resolves only once that transaction is complete.
 */
import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { Alarm } from '../core/alarm';
import type { Change, Pending, Saved, Session, Store } from '../core/ports';

interface Facts {
  session: Session | null;
  cursor: number;
  history: string | null;
  synced_at: number | null;
}

interface Schema extends DBSchema {
  alarms: { key: string; value: Alarm };
  pending: { key: string; value: Pending };
  facts: { key: 'facts'; value: Facts };
}

const STORES = ['alarms', 'pending', 'facts'] as const;
const NO_FACTS: Facts = { session: null, cursor: 0, history: null, synced_at: null };

/** See the module's description. */
export class IdbStore implements Store {
  private db: Promise<IDBPDatabase<Schema>> | null = null;

  /** @param name one database per name; tests use their own */
  constructor(private readonly name = 'wanglou') {}

  async load(): Promise<Saved> {
    const db = await this.open();
    const tx = db.transaction(STORES);
    const [alarms, pending, facts] = await Promise.all([
      tx.objectStore('alarms').getAll(),
      tx.objectStore('pending').getAll(),
      tx.objectStore('facts').get('facts'),
      tx.done,
    ]);
    return { ...NO_FACTS, ...facts, alarms, pending };
  }

  async apply(change: Change): Promise<void> {
    const db = await this.open();
    const tx = db.transaction(STORES, 'readwrite', { durability: 'strict' });
    const alarms = tx.objectStore('alarms');
    for (const id of change.remove) void alarms.delete(id);
    for (const alarm of change.put) void alarms.put(alarm);
    const facts = { ...NO_FACTS, ...(await tx.objectStore('facts').get('facts')) };
    if (change.cursor !== undefined) facts.cursor = change.cursor;
    if (change.history !== undefined) facts.history = change.history;
    if (change.synced_at !== undefined) facts.synced_at = change.synced_at;
    void tx.objectStore('facts').put(facts, 'facts');
    await tx.done;
  }

  async signIn(session: Session): Promise<void> {
    const db = await this.open();
    const tx = db.transaction(STORES, 'readwrite');
    let facts = { ...NO_FACTS, ...(await tx.objectStore('facts').get('facts')) };
    const before = facts.session;
    if (before && (before.officer.id !== session.officer.id || before.dev !== session.dev)) {
      for (const name of STORES) void tx.objectStore(name).clear();
      facts = NO_FACTS;
    }
    void tx.objectStore('facts').put({ ...facts, session }, 'facts');
    await tx.done;
  }

  async eraseAlarms(): Promise<void> {
    const db = await this.open();
    const tx = db.transaction(STORES, 'readwrite');
    const session = (await tx.objectStore('facts').get('facts'))?.session ?? null;
    void tx.objectStore('alarms').clear();
    void tx.objectStore('facts').put({ ...NO_FACTS, session }, 'facts');
    await tx.done;
  }

  async wipe(): Promise<void> {
    const db = await this.open();
    const tx = db.transaction(STORES, 'readwrite');
    for (const name of STORES) void tx.objectStore(name).clear();
    await tx.done;
  }

  async putPending(pending: Pending): Promise<void> {
    const db = await this.open();
    await db.put('pending', pending, pending.command.cid);
  }

  async removePending(cid: string): Promise<void> {
    const db = await this.open();
    await db.delete('pending', cid);
  }

  private open(): Promise<IDBPDatabase<Schema>> {
    this.db ??= openDB<Schema>(this.name, 1, {
      upgrade(db) {
        db.createObjectStore('alarms', { keyPath: 'id' });
        db.createObjectStore('pending');
        db.createObjectStore('facts');
      },
      // The browser closed it (storage pressure, cleared site data): open anew next time.
      terminated: () => {
        this.db = null;
      },
    }).catch((error: unknown) => {
      this.db = null;
      throw error;
    });
    return this.db;
  }
}
