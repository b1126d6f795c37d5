/**
 * The connection to the gateway: when to open it, when to give it up, when to
 * try again. It reads frames and hands them on; what they mean for the list or
 * for commands is not its business.
 *
 * ```
 *            start            session ok           open+welcome        synced
 *  stopped ────────► checking ──────────► connecting ─────────► syncing ─────► live
 *                     │  ▲  │ 401                │ close, silence, time-out   │
 *                     │  │  └──► signed_out      ▼                            │
 *                     │  └── timer, wake ───── waiting ◄──────────────────────┘
 *                     └── unreachable ──────────▲
 * ```
 * `replaced` (another window of this device took over) and `outdated` (the
 * gateway wants a newer app) wait for a person.
 */
import { reconnectDelayMs } from './backoff';
import type { Clock, Dial, Http, Session, Socket } from './ports';
import { type Inbound, type Outbound, type Visibility, parseFrame } from './wire';

/** The gateway speaks at least every 20 s; after this long the path is dead. */
export const SILENCE_MS = 45_000;
/** An open that takes longer is given up. */
export const OPEN_MS = 10_000;
/** A replay that stands still for this long is given up. */
export const SYNC_MS = 15_000;
/** A page that was hidden longer than this cannot trust its socket. */
export const HIDDEN_MS = 10_000;

/** Close codes of `wanglou.v1`. */
const CLOSED_AUTH = 4401;
const CLOSED_REPLACED = 4409;
const CLOSED_UPGRADE = 4426;

export type LinkPhase =
  | 'stopped'
  | 'checking'
  | 'connecting'
  | 'syncing'
  | 'live'
  | 'waiting'
  | 'signed_out'
  | 'replaced'
  | 'outdated';

/** What the link asks and tells. */
export interface LinkEvents {
  phase(phase: LinkPhase): void;
  /** The gateway says who is logged in; resolves when this device is ready for that officer. */
  session(session: Session, now_ms: number | null): Promise<void>;
  /** The first frame of every connection. */
  hello(): Outbound;
  /** A message other than the heartbeat, which the link answers itself. */
  message(message: Inbound): void;
  /** For the heartbeat's answer. */
  cursor(): number;
}

/** See the module's description. */
export class Link {
  private phase: LinkPhase = 'stopped';
  private socket: Socket | null = null;
  /** Grows with every attempt, so that answers to an older one are ignored. */
  private attempt = 0;
  private failures = 0;
  private must_check_session = true;
  private hidden_since: number | null = null;
  private cancelTimer: () => void = nothing;
  private cancelSilence: () => void = nothing;

  constructor(
    private readonly clock: Clock,
    private readonly dial: Dial,
    private readonly http: Http,
    private readonly events: LinkEvents,
  ) {}

  get current(): LinkPhase {
    return this.phase;
  }

  /** Begins, or begins again after a log-in or a takeover. */
  start(): void {
    this.failures = 0;
    this.must_check_session = true;
    this.connect();
  }

  /** Ends everything, for good or until `start`. */
  stop(phase: 'stopped' | 'signed_out' = 'stopped'): void {
    this.abandon();
    this.enter(phase);
  }

  /** Sends on a live connection; `false` (and nothing sent) on any other. */
  sendLive(message: Outbound): boolean {
    if (this.phase !== 'live' || !this.socket) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  /** Sends on any connection that has said hello. */
  send(message: Outbound): void {
    if (this.phase === 'live' || this.phase === 'syncing') this.socket?.send(JSON.stringify(message));
  }

  /** The list has a gap: asks for a replay from the cursor on this connection. */
  resync(cursor: number): void {
    if (this.phase !== 'live') return;
    this.enter('syncing');
    this.send({ t: 'resync', cursor });
    this.expectReplay(this.attempt);
  }

  /** The page was hidden or shown. */
  visibility(vis: Visibility, audio: boolean): void {
    if (vis === 'hidden') {
      this.hidden_since ??= this.clock.now();
      this.send({ t: 'vis', v: vis, audio });
      return;
    }
    const hidden_ms = this.hidden_since === null ? 0 : this.clock.now() - this.hidden_since;
    this.hidden_since = null;
    if (hidden_ms > HIDDEN_MS || this.phase === 'replaced') this.restart();
    else if (this.phase === 'waiting') this.connect();
    else this.send({ t: 'vis', v: vis, audio });
  }

  /** The page came back from the cache or the device changed networks: no old socket survives that. */
  restart(): void {
    if (this.phase === 'stopped' || this.phase === 'signed_out' || this.phase === 'outdated') return;
    this.connect();
  }

  private connect(): void {
    this.abandon();
    this.attempt += 1;
    if (this.must_check_session) void this.checkSession(this.attempt);
    else this.open(this.attempt);
  }

  private async checkSession(attempt: number): Promise<void> {
    this.enter('checking');
    const answer = await this.http.session();
    if (attempt !== this.attempt) return;
    if (answer.kind === 'none') {
      this.enter('signed_out');
    } else if (answer.kind === 'unreachable') {
      this.wait();
    } else {
      await this.events.session(answer.session, answer.now_ms);
      if (attempt === this.attempt) this.open(attempt);
    }
  }

  private open(attempt: number): void {
    this.enter('connecting');
    // A browser does not show why a handshake failed; the session does.
    this.must_check_session = true;
    this.cancelTimer = this.clock.after(OPEN_MS, () => this.lost(attempt));
    this.socket = this.dial({
      onOpen: () => {
        if (attempt === this.attempt) this.socket?.send(JSON.stringify(this.events.hello()));
      },
      onFrame: (frame) => {
        if (attempt === this.attempt) this.heard(frame, attempt);
      },
      onClose: (code) => {
        if (attempt === this.attempt) this.closed(code, attempt);
      },
    });
  }

  private heard(frame: string, attempt: number): void {
    this.listen(attempt);
    const message = parseFrame(frame);
    if (!message) return;
    switch (message.t) {
      case 'ping':
        this.send({ t: 'pong', n: message.n, cursor: this.events.cursor() });
        break;
      case 'welcome':
        this.must_check_session = false;
        this.enter('syncing');
        this.expectReplay(attempt);
        break;
      case 'synced':
        this.failures = 0;
        this.cancelTimer();
        this.enter('live');
        break;
      case 'bye':
        this.abandon();
        this.enter('waiting');
        this.cancelTimer = this.clock.after(message.retry_ms, () => this.connect());
        return;
      case 'alarm':
      case 'gone':
        if (this.phase === 'syncing') this.expectReplay(attempt);
        break;
      case 'resync':
        // The gateway dropped what was queued for this phone, and replays by itself.
        this.enter('syncing');
        this.expectReplay(attempt);
        break;
      case 'ok':
      case 'err':
      case 'info':
        break;
    }
    this.events.message(message);
  }

  private closed(code: number, attempt: number): void {
    if (code === CLOSED_REPLACED || code === CLOSED_UPGRADE) {
      this.abandon();
      this.enter(code === CLOSED_REPLACED ? 'replaced' : 'outdated');
      return;
    }
    if (code === CLOSED_AUTH) this.must_check_session = true;
    this.lost(attempt);
  }

  /** Restarts the watch for silence. */
  private listen(attempt: number): void {
    this.cancelSilence();
    this.cancelSilence = this.clock.after(SILENCE_MS, () => this.lost(attempt));
  }

  /** Restarts the watch for a replay that stands still. */
  private expectReplay(attempt: number): void {
    this.cancelTimer();
    this.cancelTimer = this.clock.after(SYNC_MS, () => this.lost(attempt));
  }

  private lost(attempt: number): void {
    if (attempt !== this.attempt) return;
    this.abandon();
    this.wait();
  }

  private wait(): void {
    const delay_ms = reconnectDelayMs(this.failures, this.clock.random());
    this.failures += 1;
    this.enter('waiting');
    this.cancelTimer = this.clock.after(delay_ms, () => this.connect());
  }

  /** Lets go of the socket and every timer; nothing of this attempt is heard again. */
  private abandon(): void {
    this.attempt += 1;
    this.cancelTimer();
    this.cancelSilence();
    this.cancelTimer = nothing;
    this.cancelSilence = nothing;
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  private enter(phase: LinkPhase): void {
    if (phase === this.phase) return;
    this.phase = phase;
    this.events.phase(phase);
  }
}

function nothing(): void {}
