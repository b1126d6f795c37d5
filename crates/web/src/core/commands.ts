/**
 * What the officer has tapped and the gateway has not yet answered (待发送).
 *
 * A command is kept on the disk until it is answered, survives reloads and
 * goes out over the socket when that is live, else over HTTP; the same `cid`
 * makes repeats harmless. Commands about one alarm go one after the other, in
 * the order of the taps; different alarms do not wait for each other.
 */
import { reconnectDelayMs } from './backoff';
import type { Clock, Http, Pending, Store } from './ports';
import type { Command, Refusal } from './wire';

/** An answer that stays out on the socket for this long is asked for over HTTP. */
export const ANSWER_MS = 5_000;

/** Refusals that mean "not now" rather than "no". */
const NOT_NOW = new Set(['busy', 'slow_down', 'unavailable']);

/** What the queue needs and tells. */
export interface CommandEvents {
  /** Sends over the socket; `false` when it is not live. */
  send(command: Command): boolean;
  /** The list of pending commands is different now. */
  changed(): void;
  /** The gateway answered; `refusal` is `null` for yes. */
  settled(command: Command, refusal: Refusal | null): void;
  /** The session is no longer valid; nothing goes out until the next `live()`. */
  noSession(): void;
}

interface Item {
  pending: Pending;
  /** On its way, by either route; cleared when that fails. */
  busy: boolean;
  cancelTimer: () => void;
}

/** See the module's description. */
export class Commands {
  private items: Item[] = [];
  private paused = false;

  constructor(
    private readonly clock: Clock,
    private readonly store: Store,
    private readonly http: Http,
    private readonly events: CommandEvents,
  ) {}

  /** Takes over what an earlier visit could not send. */
  restore(pending: Pending[]): void {
    this.clear();
    this.items = [...pending].sort(byCid).map(newItem);
    this.events.changed();
  }

  /** Forgets everything in memory; the store is the caller's to wipe. */
  clear(): void {
    for (const item of this.items) item.cancelTimer();
    this.items = [];
    this.paused = false;
    this.events.changed();
  }

  /** In the order of the taps. */
  get pending(): Pending[] {
    return this.items.map((item) => item.pending);
  }

  /** Keeps the command and sends it as soon as its turn comes, its pictures first. */
  add(command: Command, attachments: Blob[] = []): void {
    const item = newItem({ command, tries: 0, ...(attachments.length > 0 && { attachments }) });
    this.items.push(item);
    this.keep(item);
    this.pump();
    this.events.changed();
  }

  /** Takes back a command that has certainly never left this phone. */
  withdraw(cid: string): boolean {
    const item = this.find(cid);
    if (!item || item.pending.tries > 0) return false;
    this.drop(item);
    return true;
  }

  /** The socket is live: everything unanswered goes out again. */
  live(): void {
    this.paused = false;
    for (const item of this.items) {
      item.cancelTimer();
      item.busy = false;
    }
    this.pump();
  }

  onOk(cid: string): void {
    const item = this.find(cid);
    if (!item) return;
    this.drop(item);
    this.events.settled(item.pending.command, null);
    this.pump();
  }

  onErr(refusal: Refusal): void {
    const item = this.find(refusal.cid);
    if (!item) return;
    if (NOT_NOW.has(refusal.code)) {
      this.retryLater(item);
      return;
    }
    this.drop(item);
    this.events.settled(item.pending.command, refusal);
    this.pump();
  }

  /** Sends the first unanswered command of every alarm. */
  private pump(): void {
    if (this.paused) return;
    const alarms_waiting = new Set<string>();
    for (const item of this.items) {
      const alarm = item.pending.command.id;
      if (alarms_waiting.has(alarm)) continue;
      alarms_waiting.add(alarm);
      if (!item.busy) this.send(item);
    }
  }

  private send(item: Item): void {
    item.busy = true;
    if (item.pending.attachments) {
      void this.handIn(item, item.pending.attachments);
      return;
    }
    item.pending = { ...item.pending, tries: item.pending.tries + 1 };
    this.keep(item);
    if (this.events.send(item.pending.command)) {
      item.cancelTimer = this.clock.after(ANSWER_MS, () => void this.post(item));
    } else {
      void this.post(item);
    }
  }

  /** One picture after the other; each that is in stays in over reloads. One that will never be taken is left out. */
  private async handIn(item: Item, [picture, ...rest]: Blob[]): Promise<void> {
    if (!picture) return;
    const answer = await this.http.photo(picture);
    // Forgotten meanwhile, or handed in by the try that a new connection began.
    if (!this.items.includes(item) || item.pending.attachments?.[0] !== picture) return;
    switch (answer.kind) {
      case 'no_session':
        item.busy = false;
        this.paused = true;
        this.events.noSession();
        return;
      case 'unreachable':
        item.pending = { ...item.pending, waits: (item.pending.waits ?? 0) + 1 };
        this.retryLater(item);
        return;
      case 'kept':
      case 'refused': {
        const { attachments: _, ...pending } = item.pending;
        const photos = [...(pending.command.photos ?? []), ...(answer.kind === 'kept' ? [answer.sha256] : [])];
        item.pending = { ...pending, command: { ...pending.command, photos }, ...(rest.length > 0 && { attachments: rest }) };
        this.keep(item);
        this.send(item);
      }
    }
  }

  private async post(item: Item): Promise<void> {
    const answer = await this.http.command(item.pending.command);
    // Answered over the socket, or forgotten, while the request was out.
    if (!this.items.includes(item)) return;
    switch (answer.kind) {
      case 'answered':
        if (answer.message.t === 'ok') this.onOk(item.pending.command.cid);
        else this.onErr({ ...answer.message, cid: item.pending.command.cid });
        return;
      case 'no_session':
        item.busy = false;
        this.paused = true;
        this.events.noSession();
        return;
      case 'unreachable':
        this.retryLater(item);
    }
  }

  private retryLater(item: Item): void {
    item.cancelTimer();
    // Never at once: a gateway that answers "not now" must not be hammered.
    const delay_ms = 1_000 + reconnectDelayMs(item.pending.tries + (item.pending.waits ?? 0), this.clock.random());
    item.cancelTimer = this.clock.after(delay_ms, () => {
      item.busy = false;
      this.pump();
    });
  }

  private find(cid: string): Item | undefined {
    return this.items.find((item) => item.pending.command.cid === cid);
  }

  private drop(item: Item): void {
    item.cancelTimer();
    this.items = this.items.filter((other) => other !== item);
    this.store.removePending(item.pending.command.cid).catch(ignore);
    this.events.changed();
  }

  /** A store that fails costs the command only a reload: it is still sent now. */
  private keep(item: Item): void {
    this.store.putPending(item.pending).catch(ignore);
  }
}

function newItem(pending: Pending): Item {
  return { pending, busy: false, cancelTimer: ignore };
}

/** UUIDv7 sorts by time. */
function byCid(a: Pending, b: Pending): number {
  return a.command.cid < b.command.cid ? -1 : 1;
}

function ignore(): void {}
