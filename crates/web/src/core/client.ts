/**
 * The officer's side of Wanglou without a screen: who is logged in, the list,
 * the connection, commands and receipts, joined. Screens read it and call it;
 * it knows nothing about them.
 *
 * ```
 *   Link ── frames ──► Client ──► Feed ── writes ──► Store
 *    ▲                  │  ▲        └─ stored ─┐
 *    └── got, cmd ──────┘  └── Commands ◄──────┴── taps
 * ```
 */
import { NO_PIN } from './lock';
import type { Alarm } from './alarm';
import { Commands } from './commands';
import { Feed } from './feed';
import { Link, type LinkPhase } from './link';
import type { Clock, Dial, Http, Pending, Presence, Session, Store } from './ports';
import { Presented } from './presented';
import { Receipts } from './receipts';
import { uuid7 } from './uuid7';
import type { Command, Inbound, Outbound, Refusal } from './wire';

/** What a screen needs to know, all at once. */
export interface View {
  /** `null` until the store is read or when nobody is logged in. */
  session: Session | null;
  /** The store has been read; before that nothing is known. */
  loaded: boolean;
  phase: LinkPhase;
  /** Since when nothing comes from the gateway, ms since 1970; `null` while it does. */
  down_since: number | null;
  alarms: Alarm[];
  pending: Pending[];
  /** When the list was last known to be complete, ms since 1970; `null` for never. */
  synced_at: number | null;
  /** `false` when the device's database refuses to write. */
  storage_works: boolean;
  /** Latest value of each piece of information that is not an alarm. */
  info: Record<string, unknown>;
  /** Add to this device's clock to get the gateway's. */
  clock_offset_ms: number;
}

/** What the app learns beside the view. */
export interface ClientEvents {
  changed(): void;
  /** The gateway answered a command; `refusal` is `null` for yes. */
  settled(command: Command, refusal: Refusal | null): void;
}

/** All that the client is built from. */
export interface ClientParts {
  clock: Clock;
  dial: Dial;
  http: Http;
  store: Store;
  /** The app's version, told to the gateway. */
  version: string;
  presence(): Presence;
  /** Whether alarm `id` is heard right now. */
  sounding(id: string): boolean;
  events: ClientEvents;
}

/** See the module's description. */
export class Client {
  private readonly link: Link;
  private readonly feed: Feed;
  private readonly commands: Commands;
  private readonly presented: Presented;
  private session: Session | null = null;
  private loaded = false;
  private storage_works = true;
  private clock_offset_ms = 0;
  /** By this device's clock. */
  private down_since: number | null;
  private info: Record<string, unknown> = {};
  private readonly receipts: Receipts;

  constructor(private readonly parts: ClientParts) {
    const { clock, dial, http, store, events } = parts;
    const changed = () => events.changed();
    this.down_since = clock.now();
    this.feed = new Feed(store, {
      changed,
      stored: (id, rev) => this.stored(id, rev),
      gap: () => this.resync(),
      storage: (works) => this.storage(works),
    });
    this.commands = new Commands(clock, store, http, {
      send: (command) => this.link.sendLive({ t: 'cmd', ...command }),
      changed,
      settled: (command, refusal) => events.settled(command, refusal),
      noSession: () => this.link.start(),
    });
    this.receipts = new Receipts(clock, (owed) => this.link.send({ t: 'got', ...owed }));
    this.presented = new Presented(clock, parts.sounding, (owed) => this.receipts.owe(owed));
    this.link = new Link(clock, dial, http, {
      phase: (phase) => this.onPhase(phase),
      session: (session, now_ms) => this.onSession(session, now_ms),
      hello: () => this.hello(),
      message: (message) => this.onMessage(message),
      cursor: () => this.feed.cursor,
    });
  }

  /** Shows what the device has kept, then connects. */
  async start(): Promise<void> {
    await this.load();
    this.presented.page(this.parts.presence().vis === 'visible');
    this.link.start();
  }

  /** A log-in or enrolment succeeded, or the person wants this window to take over. */
  reconnect(): void {
    this.link.start();
  }

  /** The page came back from the cache, or the network changed. */
  wake(): void {
    this.link.restart();
  }

  /** The page was hidden or shown, or sound was unlocked. */
  presenceChanged(): void {
    const { vis, audio } = this.parts.presence();
    this.presented.page(vis === 'visible');
    this.link.visibility(vis, audio);
  }

  /** This officer logs out here: everything of theirs leaves the device. */
  async signOut(): Promise<void> {
    this.link.stop('signed_out');
    this.forget();
    await this.parts.store.wipe().catch(() => this.storage(false));
    this.parts.events.changed();
  }

  get view(): View {
    return {
      session: this.session,
      loaded: this.loaded,
      phase: this.link.current,
      down_since: this.down_since === null ? null : this.down_since + this.clock_offset_ms,
      alarms: this.feed.all,
      pending: this.commands.pending,
      synced_at: this.feed.synced_at,
      storage_works: this.storage_works,
      info: this.info,
      clock_offset_ms: this.clock_offset_ms,
    };
  }

  /** Wall time as the gateway has it, ms since 1970. */
  now(): number {
    return this.parts.clock.now() + this.clock_offset_ms;
  }

  /** The officer tapped: kept, sent, repeated until answered. */
  command(
    op: string,
    alarm: Pick<Alarm, 'id' | 'rev'>,
    extra: Partial<Command> = {},
    attachments: Blob[] = [],
  ): Command {
    const at_ms = this.now();
    const command: Command = {
      ...extra,
      cid: uuid7(this.parts.clock.now(), this.parts.clock.bytes(10)),
      op,
      id: alarm.id,
      rev: alarm.rev,
      at: new Date(at_ms).toISOString(),
    };
    this.commands.add(command, attachments);
    return command;
  }

  /** Takes an acceptance back: silently if it has not left this phone, else by a command. */
  undo(accept: Command): void {
    if (this.commands.withdraw(accept.cid)) return;
    const rev = this.feed.get(accept.id)?.rev ?? accept.rev;
    this.command('undo', { id: accept.id, rev });
  }

  /** An unaccepted alarm is on the screen from now on. */
  showing(id: string, rev: number): void {
    this.presented.show(id, rev);
  }

  /** It no longer is. */
  notShowing(id: string): void {
    this.presented.hide(id);
  }

  private async load(): Promise<void> {
    try {
      const saved = await this.parts.store.load();
      // What an older build kept says nothing of a PIN.
      this.session = saved.session && { ...saved.session, pin: saved.session.pin ?? NO_PIN };
      this.feed.restore(saved);
      this.commands.restore(saved.pending);
    } catch {
      this.storage_works = false;
    }
    this.loaded = true;
    this.parts.events.changed();
  }

  private async onSession(session: Session, now_ms: number | null): Promise<void> {
    const other_officer = this.session !== null && this.session.officer.id !== session.officer.id;
    const other_device = this.session !== null && this.session.dev !== session.dev;
    // The cursor belongs to (officer, device): neither may inherit the other's list.
    if (other_officer || other_device) this.forget();
    this.session = session;
    if (now_ms !== null) this.setClock(now_ms);
    await this.parts.store.signIn(session).catch(() => this.storage(false));
    this.parts.events.changed();
  }

  /** The session is over or revoked: what it could read leaves the device; unsent commands wait for a log-in. */
  private async eraseAlarms(): Promise<void> {
    this.feed.clear();
    this.presented.clear();
    this.receipts.clear();
    await this.parts.store.eraseAlarms().catch(() => this.storage(false));
  }

  private forget(): void {
    this.session = null;
    this.feed.clear();
    this.commands.clear();
    this.presented.clear();
    this.receipts.clear();
    this.info = {};
  }

  private hello(): Outbound {
    const { vis, audio, locale, push } = this.parts.presence();
    return {
      t: 'hello',
      dev: this.session?.dev ?? '',
      app: this.parts.version,
      cursor: this.feed.cursor,
      history: this.feed.history ?? '',
      vis,
      push,
      audio,
      locale,
    };
  }

  private onPhase(phase: LinkPhase): void {
    if (phase === 'live' || phase === 'syncing') this.down_since = null;
    else this.down_since ??= this.parts.clock.now();
    this.receipts.connected(phase === 'live' || phase === 'syncing');
    if (phase === 'signed_out') void this.eraseAlarms();
    if (phase === 'live') {
      this.commands.live();
    } else if (phase !== 'syncing') {
      this.feed.disconnect();
    }
    this.parts.events.changed();
  }

  private onMessage(message: Inbound): void {
    switch (message.t) {
      case 'welcome':
        this.setClock(Date.parse(message.now));
        this.feed.beginSync(message.full, message.history);
        return;
      case 'alarm':
        this.feed.onAlarm(message.a, message.seq, message.replay);
        return;
      case 'gone':
        this.feed.onGone(message.id, message.seq, message.replay);
        return;
      case 'synced':
        this.feed.onSynced(message.seq, message.history, this.now());
        return;
      case 'ok':
        this.commands.onOk(message.cid);
        return;
      case 'err':
        this.commands.onErr(message);
        return;
      case 'info':
        this.info = { ...this.info, [message.key]: message.v };
        this.parts.events.changed();
        return;
      case 'ping':
        this.feed.confirmFresh(this.now());
        return;
      case 'resync':
        this.feed.beginSync(false, null);
        return;
      case 'bye':
        return;
    }
  }

  private resync(): void {
    this.feed.beginSync(false, null);
    this.link.resync(this.feed.cursor);
  }

  /** Only an alarm that nobody has accepted makes the gateway wait for a receipt. */
  private stored(id: string, rev: number): void {
    if (this.feed.get(id)?.state === 'open') this.receipts.owe({ id, rev, as: 'stored' });
  }

  private storage(works: boolean): void {
    if (works === this.storage_works) return;
    this.storage_works = works;
    this.parts.events.changed();
  }

  private setClock(gateway_now_ms: number): void {
    if (Number.isFinite(gateway_now_ms)) this.clock_offset_ms = gateway_now_ms - this.parts.clock.now();
  }
}
