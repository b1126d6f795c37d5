/**
 * The messages of the WebSocket subprotocol `wanglou.v1`, as this app reads and
 * writes them. Reading is tolerant: an unknown type or a broken frame gives
 * `null` and is ignored; an unknown field is left alone.
 */
import { type Alarm, type Person, type Words, parseAlarm, person, wordsOrNull } from './alarm';
import { isObject, text } from './read';

/** The subprotocol offered and expected. */
export const SUBPROTOCOL = 'wanglou.v1';

/** What the gateway says. */
export type Inbound =
  | { t: 'welcome'; history: string; head: number; now: string; full: boolean }
  | { t: 'alarm'; seq: number | null; replay: boolean; a: Alarm }
  | { t: 'gone'; seq: number | null; replay: boolean; id: string }
  | { t: 'synced'; seq: number; history: string }
  | { t: 'ok'; cid: string; id: string; rev: number | null }
  | ({ t: 'err' } & Refusal)
  | { t: 'info'; key: string; v: unknown }
  | { t: 'ping'; n: number }
  | { t: 'resync'; why: string }
  | { t: 'bye'; retry_ms: number };

/** Why a command was refused. `code` is stable, `text` is for people. */
export interface Refusal {
  cid: string;
  code: string;
  by: Person | null;
  rev: number | null;
  text: Words | null;
}

/** How far a phone has brought an alarm. */
export type Receipt = 'stored' | 'presented';

/** Whether a person can see the page. */
export type Visibility = 'visible' | 'hidden';

/** What the app says. */
export type Outbound =
  | {
      t: 'hello';
      dev: string;
      app: string;
      cursor: number;
      /** Empty before the first complete sync. */
      history: string;
      vis: Visibility;
      push: string;
      audio: boolean;
      locale: string;
    }
  | { t: 'got'; id: string; rev: number; as: Receipt; how?: string[] }
  | ({ t: 'cmd' } & Command)
  | { t: 'vis'; v: Visibility; audio: boolean }
  | { t: 'pong'; n: number; cursor: number }
  | { t: 'resync'; cursor: number };

/**
 * One command of a person about one alarm. `cid` (UUIDv7) makes it idempotent:
 * however often it is sent, by whichever way, it is answered as if sent once.
 */
export interface Command {
  cid: string;
  op: string;
  /** The alarm; empty for what is about none yet. */
  id: string;
  /** The revision the person saw. */
  rev: number;
  /** When the person tapped, RFC 3339. */
  at: string;
  reason?: string;
  outcome?: string;
  /** What a note says. */
  text?: string;
  /** What is said along with an outcome. */
  note?: string;
  eta_s?: number;
  /** Whom it is handed on to. */
  to?: string;
  /** What a report is about. */
  category?: string;
  /** Where a report is, by the registry. */
  place?: string;
  /** Where a report is, by the phone, when the person agreed. */
  position?: { lat: number; lon: number };
  /** Pictures, by their SHA-256. */
  photos?: string[];
  /** Until when it is shelved, RFC 3339. */
  until?: string;
}

/** Reads one text frame; `null` for anything this version cannot use. */
export function parseFrame(frame: string): Inbound | null {
  let raw: unknown;
  try {
    raw = JSON.parse(frame);
  } catch {
    return null;
  }
  return isObject(raw) ? parseMessage(raw) : null;
}

/** Reads an already parsed message, as a socket frame or an HTTP answer carries it. */
export function parseMessage(raw: Record<string, unknown>): Inbound | null {
  switch (raw.t) {
    case 'welcome':
      return {
        t: 'welcome',
        history: text(raw.history),
        head: int(raw.head) ?? 0,
        now: text(raw.now),
        full: raw.resume === 'full',
      };
    case 'alarm': {
      const a = parseAlarm(raw.a);
      return a && { t: 'alarm', seq: int(raw.seq), replay: raw.replay === true, a };
    }
    case 'gone':
      return typeof raw.id === 'string' ? { t: 'gone', seq: int(raw.seq), replay: raw.replay === true, id: raw.id } : null;
    case 'synced':
      return { t: 'synced', seq: int(raw.seq) ?? 0, history: text(raw.history) };
    case 'ok':
      return { t: 'ok', cid: text(raw.cid), id: text(raw.id), rev: int(raw.rev) };
    case 'err':
      return {
        t: 'err',
        cid: text(raw.cid),
        code: text(raw.code) || 'invalid',
        by: person(raw.by),
        rev: int(raw.rev),
        text: wordsOrNull(raw.text),
      };
    case 'info':
      return { t: 'info', key: text(raw.key), v: raw.v };
    case 'ping':
      return { t: 'ping', n: int(raw.n) ?? 0 };
    case 'resync':
      return { t: 'resync', why: text(raw.why) };
    case 'bye':
      return { t: 'bye', retry_ms: int(raw.retry_ms) ?? 0 };
    default:
      return null;
  }
}

function int(raw: unknown): number | null {
  return typeof raw === 'number' && Number.isSafeInteger(raw) ? raw : null;
}
