/**
 * What the protocol core needs from the outside world. The browser's
 * implementations are in `../platform`; tests bring their own, so that no test
 * waits for a real timer, socket or database.
 */
import type { Alarm } from './alarm';
import type { PinState } from './lock';
import type { Command, Inbound, Receipt, Visibility } from './wire';

/** Time and chance. */
export interface Clock {
  /** Wall time in milliseconds since 1970. */
  now(): number;
  /** Runs `fire` once after `delay_ms`; the returned function cancels it. */
  after(delay_ms: number, fire: () => void): () => void;
  /** A number from 0 up to, not including, 1. */
  random(): number;
  /** `count` bytes that nobody can guess, for command ids. */
  bytes(count: number): Uint8Array;
}

/** One WebSocket; after `close` none of its handlers is called again. */
export interface Socket {
  /** Sends a text frame; silently does nothing on a socket that is not open. */
  send(frame: string): void;
  close(): void;
}

/** What a socket reports. `onClose` comes once, also when it never opened. */
export interface SocketHandlers {
  onOpen(): void;
  onFrame(frame: string): void;
  onClose(code: number): void;
}

/** Opens a WebSocket to the gateway. */
export type Dial = (handlers: SocketHandlers) => Socket;

/** Who is logged in on this device, as `GET /api/session` answers. */
export interface Session {
  officer: { id: string; name: string; roles: string[]; admin: boolean };
  dev: string;
  site: { id: string; name: { zh: string; en: string } };
  version: string;
  pin: PinState;
}

/** The answer to `GET /api/session`. */
export type SessionAnswer =
  | { kind: 'ok'; session: Session; now_ms: number | null }
  | { kind: 'none' }
  | { kind: 'unreachable' };

/** The answer to `POST /api/cmd`: the gateway's own, or none worth having. */
export type CommandAnswer =
  | { kind: 'answered'; message: Extract<Inbound, { t: 'ok' | 'err' }> }
  | { kind: 'no_session' }
  | { kind: 'unreachable' };

/** The answer to a picture: its name, a refusal that will not change, or none worth having. */
export type PhotoAnswer = { kind: 'kept'; sha256: string } | { kind: 'refused' } | { kind: 'no_session' } | { kind: 'unreachable' };

/** The gateway's HTTP side. Nothing here throws. */
export interface Http {
  session(): Promise<SessionAnswer>;
  command(command: Command): Promise<CommandAnswer>;
  /** Hands a picture in. */
  photo(picture: Blob): Promise<PhotoAnswer>;
}

/** A command that the gateway has not answered yet, kept across reloads. */
export interface Pending {
  command: Command;
  /** How often it may have left this phone; 0 means certainly never. */
  tries: number;
  /** Pictures that are handed in before it; each is named in the command once the gateway has it. */
  attachments?: Blob[];
  /** How often handing a picture in failed. */
  waits?: number;
}

/** All that a device keeps between visits. */
export interface Saved {
  session: Session | null;
  alarms: Alarm[];
  /** Everything up to this sequence number is stored here; 0 for nothing. */
  cursor: number;
  /** Which life of the gateway's records the cursor belongs to. */
  history: string | null;
  /** When the list was last known to be complete, ms since 1970. */
  synced_at: number | null;
  pending: Pending[];
}

/** A change to what is kept; all of it is stored, or none. */
export interface Change {
  put: Alarm[];
  remove: string[];
  cursor?: number;
  history?: string;
  synced_at?: number;
}

/** The device's database. A promise that resolves means: it is on the disk. */
export interface Store {
  load(): Promise<Saved>;
  apply(change: Change): Promise<void>;
  /** Remembers who is logged in; another officer's alarms and commands are erased first. */
  signIn(session: Session): Promise<void>;
  /** Erases alarms and cursor; keeps who was logged in and what is unsent. */
  eraseAlarms(): Promise<void>;
  /** Erases everything, also who was logged in. */
  wipe(): Promise<void>;
  putPending(pending: Pending): Promise<void>;
  removePending(cid: string): Promise<void>;
}

/** What the device can do right now; the gateway weighs it when choosing channels. */
export interface Presence {
  vis: Visibility;
  audio: boolean;
  locale: string;
  /** `ok` when the gateway can push to this phone. */
  push: string;
}

/** A receipt owed to the gateway. */
export interface Owed {
  id: string;
  rev: number;
  as: Receipt;
  how?: string[];
}
