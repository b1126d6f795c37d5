/**
 * This officer's alarms on this device, and how far they are complete.
 *
 * The feed takes what the socket brings, keeps the newest revision of each
 * alarm, writes it to the store, and says which revisions are safely stored.
 * It knows nothing of sockets, screens or commands.
 *
 * The cursor is the promise "everything up to here is on this device". It moves
 * only when the gateway says `synced` and, after that, with each next number of
 * the live stream, and only once the write is complete. A number that is
 * skipped is a gap, and the feed asks for a resync instead of moving on.
 */
import { type Alarm, isOver } from './alarm';
import type { Change, Saved, Store } from './ports';

/** Finished alarms leave the device after a day; the gateway keeps the archive. */
export const KEPT_MS = 24 * 3600 * 1000;

/** What the feed tells its owner. */
export interface FeedEvents {
  /** The list, the cursor or the time of the last sync is different now. */
  changed(): void;
  /** Revision `rev` of alarm `id` is on this device's disk. */
  stored(id: string, rev: number): void;
  /** Something is missing from the live stream. */
  gap(): void;
  /** Whether the device's database takes what it is given. */
  storage(works: boolean): void;
}

type Phase = 'idle' | 'syncing' | 'live';

/** See the module's description. */
export class Feed {
  private readonly alarms = new Map<string, Alarm>();
  /** The revision of each alarm that is on the disk. */
  private readonly onDisk = new Map<string, number>();
  private phase: Phase = 'idle';
  /** Received without a gap; runs ahead of `stored_cursor` while a write is under way. */
  private head = 0;
  private stored_cursor = 0;
  private stored_history: string | null = null;
  private last_sync: number | null = null;
  /** Ids seen during a full resume; what it does not mention is gone. */
  private seen: Set<string> | null = null;
  /** Numbers of the live stream that overtook `synced`. */
  private early: number[] = [];
  private queue: Batch = emptyBatch();
  private writing = false;

  constructor(
    private readonly store: Store,
    private readonly events: FeedEvents,
  ) {}

  /** Takes over what an earlier visit left on the disk. */
  restore(saved: Saved): void {
    this.clear();
    for (const alarm of saved.alarms) {
      this.alarms.set(alarm.id, alarm);
      this.onDisk.set(alarm.id, alarm.rev);
    }
    this.head = saved.cursor;
    this.stored_cursor = saved.cursor;
    this.stored_history = saved.history;
    this.last_sync = saved.synced_at;
    this.events.changed();
  }

  /** Forgets everything in memory; the store is the caller's to wipe. */
  clear(): void {
    this.alarms.clear();
    this.onDisk.clear();
    this.phase = 'idle';
    this.head = 0;
    this.stored_cursor = 0;
    this.stored_history = null;
    this.last_sync = null;
    this.seen = null;
    this.early = [];
    this.queue = emptyBatch();
    this.events.changed();
  }

  /** The sequence number up to which everything is on the disk. */
  get cursor(): number {
    return this.stored_cursor;
  }

  get history(): string | null {
    return this.stored_history;
  }

  /** When the list was last known to be complete, ms since 1970; `null` for never. */
  get synced_at(): number | null {
    return this.last_sync;
  }

  get all(): Alarm[] {
    return [...this.alarms.values()];
  }

  get(id: string): Alarm | undefined {
    return this.alarms.get(id);
  }

  /**
   * A replay begins. In a full one, and in one from another history (the
   * gateway was restored from a backup), revisions start afresh: what it
   * brings replaces what is here, whatever its number. The list stays.
   */
  beginSync(full: boolean, history: string | null): void {
    const other_history = history !== null && this.stored_history !== null && history !== this.stored_history;
    this.phase = 'syncing';
    this.early = [];
    this.seen = full || other_history ? new Set() : null;
  }

  /** The connection is gone; the next `synced` says where the stream goes on. */
  disconnect(): void {
    this.phase = 'idle';
    this.seen = null;
    this.early = [];
  }

  onAlarm(alarm: Alarm, seq: number | null, replay: boolean): void {
    this.take(alarm);
    if (!replay) this.follow(seq);
    // One transaction for the alarm and its number.
    this.write();
  }

  onGone(id: string, seq: number | null, replay: boolean): void {
    this.forget(id);
    if (!replay) this.follow(seq);
    this.write();
    this.events.changed();
  }

  /** The replay is complete up to `seq`. */
  onSynced(seq: number, history: string, now_ms: number): void {
    this.forgetUnseen();
    this.forgetOld(now_ms);
    this.phase = 'live';
    this.head = seq;
    this.last_sync = now_ms;
    this.queue.cursor = seq;
    this.queue.history = history;
    this.queue.synced_at = now_ms;
    for (const early of this.early.splice(0).sort((a, b) => a - b)) this.follow(early);
    this.write();
    this.events.changed();
  }

  /** A live heartbeat shows that the list is still complete at `now_ms`. */
  confirmFresh(now_ms: number): void {
    if (this.phase !== 'live') return;
    this.last_sync = now_ms;
    this.events.changed();
  }

  /** Keeps the alarm if it is newer, and has it written. */
  private take(alarm: Alarm): void {
    const first_of_replay = this.seen !== null && !this.seen.has(alarm.id);
    this.seen?.add(alarm.id);
    const known = this.alarms.get(alarm.id);
    if (known && alarm.rev <= known.rev && !first_of_replay) {
      this.repeatReceipt(alarm.id, alarm.rev);
      return;
    }
    this.alarms.set(alarm.id, alarm);
    this.onDisk.delete(alarm.id);
    this.queue.remove.delete(alarm.id);
    this.queue.put.set(alarm.id, alarm);
    this.events.changed();
  }

  /** The gateway asks again about a revision: it has not heard the receipt. */
  private repeatReceipt(id: string, rev: number): void {
    const on_disk = this.onDisk.get(id);
    if (on_disk !== undefined && on_disk >= rev) this.events.stored(id, on_disk);
  }

  /** Moves along the live stream by one number, or reports the gap. */
  private follow(seq: number | null): void {
    if (seq === null || this.phase === 'idle') return;
    if (this.phase === 'syncing') {
      this.early.push(seq);
      return;
    }
    if (seq <= this.head) return;
    if (seq > this.head + 1) {
      this.events.gap();
      return;
    }
    this.head = seq;
    this.queue.cursor = seq;
  }

  private forgetUnseen(): void {
    const seen = this.seen;
    this.seen = null;
    if (!seen) return;
    for (const id of this.alarms.keys()) if (!seen.has(id)) this.forget(id);
  }

  private forgetOld(now_ms: number): void {
    for (const alarm of this.alarms.values()) {
      if (!isOver(alarm)) continue;
      const ended_ms = Date.parse(alarm.closed_at ?? alarm.last_at);
      if (now_ms - ended_ms > KEPT_MS) this.forget(alarm.id);
    }
  }

  private forget(id: string): void {
    this.alarms.delete(id);
    this.onDisk.delete(id);
    this.queue.put.delete(id);
    this.queue.remove.add(id);
  }

  /**
   * Writes what has gathered, one transaction at a time; what arrives
   * meanwhile joins the next. A batch that fails goes back into the queue, so
   * that the cursor never passes something that is not on the disk.
   */
  private write(): void {
    if (this.writing || isEmpty(this.queue)) return;
    const batch = this.queue;
    this.queue = emptyBatch();
    this.writing = true;
    this.store.apply(toChange(batch)).then(
      () => this.written(batch),
      () => this.notWritten(batch),
    );
  }

  private written(batch: Batch): void {
    this.writing = false;
    if (batch.cursor !== undefined) this.stored_cursor = batch.cursor;
    if (batch.history !== undefined) this.stored_history = batch.history;
    this.events.storage(true);
    for (const alarm of batch.put.values()) {
      // A newer one, or its removal, may be on its way to the disk already.
      if (this.alarms.get(alarm.id) !== alarm) continue;
      this.onDisk.set(alarm.id, alarm.rev);
      this.events.stored(alarm.id, alarm.rev);
    }
    this.write();
  }

  private notWritten(batch: Batch): void {
    this.writing = false;
    const newer = this.queue;
    for (const [id, alarm] of newer.put) {
      batch.remove.delete(id);
      batch.put.set(id, alarm);
    }
    for (const id of newer.remove) {
      batch.put.delete(id);
      batch.remove.add(id);
    }
    this.queue = {
      put: batch.put,
      remove: batch.remove,
      cursor: newer.cursor ?? batch.cursor,
      history: newer.history ?? batch.history,
      synced_at: newer.synced_at ?? batch.synced_at,
    };
    this.events.storage(false);
  }
}

/** A change being gathered; the newest revision of an alarm wins. */
interface Batch {
  put: Map<string, Alarm>;
  remove: Set<string>;
  cursor?: number | undefined;
  history?: string | undefined;
  synced_at?: number | undefined;
}

function emptyBatch(): Batch {
  return { put: new Map(), remove: new Set() };
}

function isEmpty(batch: Batch): boolean {
  return batch.put.size === 0 && batch.remove.size === 0 && batch.cursor === undefined;
}

function toChange(batch: Batch): Change {
  const change: Change = { put: [...batch.put.values()], remove: [...batch.remove] };
  if (batch.cursor !== undefined) change.cursor = batch.cursor;
  if (batch.history !== undefined) change.history = batch.history;
  if (batch.synced_at !== undefined) change.synced_at = batch.synced_at;
  return change;
}
