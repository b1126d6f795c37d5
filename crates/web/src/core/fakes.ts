/**
 * Stand-ins for clock, socket, gateway and disk, for tests only. Time moves
 * when a test says so; a disk write is complete when a test says so.
 */
import { NO_PIN } from './lock';
import type { Alarm } from './alarm';
import type { Change, Clock, CommandAnswer, Dial, Http, Pending, PhotoAnswer, Saved, Session, SessionAnswer, SocketHandlers, Store } from './ports';
import type { Command, Outbound } from './wire';

/** Lets every promise that can resolve do so. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

/** A clock that stands still until told to move. */
export class FakeClock implements Clock {
  chance = 0.5;
  private at_ms = Date.parse('2026-03-02T21:00:00Z');
  private timers: { due_ms: number; fire: () => void }[] = [];

  now(): number {
    return this.at_ms;
  }

  after(delay_ms: number, fire: () => void): () => void {
    const timer = { due_ms: this.at_ms + delay_ms, fire };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  random(): number {
    return this.chance;
  }

  bytes(count: number): Uint8Array {
    return new Uint8Array(count).fill(7);
  }

  /** Moves on, firing in order what falls due, and lets promises resolve in between. */
  async pass(ms: number): Promise<void> {
    const until_ms = this.at_ms + ms;
    for (;;) {
      await settle();
      const next = this.timers.filter((t) => t.due_ms <= until_ms).sort((a, b) => a.due_ms - b.due_ms)[0];
      if (!next) break;
      this.at_ms = Math.max(this.at_ms, next.due_ms);
      this.timers = this.timers.filter((t) => t !== next);
      next.fire();
    }
    this.at_ms = until_ms;
    await settle();
  }
}

/** One socket that the code under test has opened. */
export interface FakeSocket {
  handlers: SocketHandlers;
  sent: Outbound[];
  closed: boolean;
}

/** The gateway's side of every socket that was dialled. */
export class FakeDial {
  readonly sockets: FakeSocket[] = [];

  readonly dial: Dial = (handlers) => {
    const socket: FakeSocket = { handlers, sent: [], closed: false };
    this.sockets.push(socket);
    return {
      send: (frame) => void socket.sent.push(JSON.parse(frame) as Outbound),
      close: () => {
        socket.closed = true;
      },
    };
  };

  /** The newest socket. */
  get last(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error('nothing was dialled');
    return socket;
  }

  /** The gateway says something on the newest socket. */
  say(message: object): void {
    this.last.handlers.onFrame(JSON.stringify(message));
  }

  /** What was sent on the newest socket since the last call. */
  took(): Outbound[] {
    return this.last.sent.splice(0);
  }
}

/** A gateway over HTTP that answers what the test has set. */
export class FakeHttp implements Http {
  sessionAnswer: SessionAnswer = { kind: 'ok', session: session('o_wu'), now_ms: null };
  commandAnswer: (command: Command) => CommandAnswer = () => ({ kind: 'unreachable' });
  readonly posted: Command[] = [];
  sessions_asked = 0;

  async session(): Promise<SessionAnswer> {
    this.sessions_asked += 1;
    return this.sessionAnswer;
  }

  /** What becomes of the next pictures, in order; then each is kept under its size. */
  photoAnswers: PhotoAnswer[] = [];
  photos: Blob[] = [];
  async photo(picture: Blob): Promise<PhotoAnswer> {
    this.photos.push(picture);
    return this.photoAnswers.shift() ?? { kind: 'kept', sha256: `sha-${picture.size}` };
  }

  async command(command: Command): Promise<CommandAnswer> {
    this.posted.push(command);
    return this.commandAnswer(command);
  }
}

/** A disk in memory. With `hold`, writes wait for `finish`. */
export class FakeStore implements Store {
  session: Session | null = null;
  readonly alarms = new Map<string, Alarm>();
  readonly pending = new Map<string, Pending>();
  cursor = 0;
  history: string | null = null;
  synced_at: number | null = null;
  hold = false;
  broken = false;
  writes = 0;
  private waiting: (() => void)[] = [];

  async load(): Promise<Saved> {
    return {
      session: this.session,
      alarms: [...this.alarms.values()],
      cursor: this.cursor,
      history: this.history,
      synced_at: this.synced_at,
      pending: [...this.pending.values()],
    };
  }

  async apply(change: Change): Promise<void> {
    if (this.hold) await new Promise<void>((done) => this.waiting.push(done));
    if (this.broken) throw new Error('the disk is full');
    this.writes += 1;
    for (const id of change.remove) this.alarms.delete(id);
    for (const alarm of change.put) this.alarms.set(alarm.id, alarm);
    this.cursor = change.cursor ?? this.cursor;
    this.history = change.history ?? this.history;
    this.synced_at = change.synced_at ?? this.synced_at;
  }

  /** Completes the writes that are held. */
  async finish(): Promise<void> {
    for (const done of this.waiting.splice(0)) done();
    await settle();
  }

  async signIn(session: Session): Promise<void> {
    const before = this.session;
    if (before && (before.officer.id !== session.officer.id || before.dev !== session.dev)) await this.wipe();
    this.session = session;
  }

  async eraseAlarms(): Promise<void> {
    this.alarms.clear();
    this.cursor = 0;
    this.history = null;
    this.synced_at = null;
  }

  async wipe(): Promise<void> {
    await this.eraseAlarms();
    this.pending.clear();
    this.session = null;
  }

  async putPending(pending: Pending): Promise<void> {
    this.pending.set(pending.command.cid, pending);
  }

  async removePending(cid: string): Promise<void> {
    this.pending.delete(cid);
  }
}

/** A session of officer `id` on device `dev`. */
export function session(id: string, dev = 'd_7f'): Session {
  return {
    officer: { id, name: id, roles: ['guard'], admin: false },
    dev,
    site: { id: 'demo', name: { zh: '示范小区', en: 'Demo compound' } },
    version: '0.1.0',
    pin: NO_PIN,
  };
}

/** An open level-one alarm at revision 1, but for what is given. */
export function alarm(id: string, change: Partial<Alarm> = {}): Alarm {
  return {
    id,
    rev: 1,
    kind: 'manhole',
    prio: 1,
    state: 'open',
    active: true,
    stage: null,
    stage_text: null,
    test: false,
    mark: null,
    count: 1,
    first_at: '2026-03-02T20:59:00Z',
    last_at: '2026-03-02T20:59:00Z',
    raised_at: '2026-03-02T20:59:00Z',
    closed_at: null,
    place: { id: 'road-2', path: ['东区', '2号路'], path_en: ['East', 'Road 2'] },
    title: { zh: '井盖打开', en: 'Cover open' },
    text: { zh: '', en: '' },
    evidence: [],
    accepted_by: null,
    accepted_at: null,
    eta_s: null,
    outcome: null,
    esc: { step: 0, next_at: null },
    silent: false,
    home: false,
    actions: ['accept', 'decline'],
    ...change,
  };
}
