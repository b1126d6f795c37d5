/** The gateway's HTTP side, over `fetch`. Same origin; the session is a cookie that no script sees. */
import { type Person, person, type Words, wordsOrNull } from '../core/alarm';
import { isObject, strings, text, textOrNull } from '../core/read';
import type { CommandAnswer, Http, PhotoAnswer, Session, SessionAnswer } from '../core/ports';
import { NO_PIN, type PinState } from '../core/lock';
import { type Command, parseMessage } from '../core/wire';

/** No answer for this long is none. */
const TIMEOUT_MS = 10_000;
/** The same for a picture, which a weak network carries slowly. */
const PHOTO_TIMEOUT_MS = 60_000;

/** What came back: the status and the JSON body, or nothing at all. */
export type Answer = { status: number; body: unknown } | null;

/** One request. Never throws: no answer, a time-out and a body that is not JSON are told apart by the type. */
export async function request(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: unknown,
  timeout_ms = TIMEOUT_MS,
): Promise<Answer> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), timeout_ms);
  try {
    const init: RequestInit = { method, signal: stop.signal, credentials: 'same-origin', cache: 'no-store' };
    if (body instanceof Blob) {
      init.headers = { 'content-type': body.type };
      init.body = body;
    } else if (body !== undefined) {
      init.headers = { 'content-type': 'application/json' };
      init.body = JSON.stringify(body);
    }
    const response = await fetch(path, init);
    return { status: response.status, body: parseJson(await response.text()) };
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

/** The part of HTTP that the protocol core uses. */
export const http: Http = {
  async session(): Promise<SessionAnswer> {
    const answer = await request('GET', '/api/session');
    if (answer?.status === 401) return { kind: 'none' };
    const session = answer?.status === 200 ? readSession(answer.body) : null;
    if (!session) return { kind: 'unreachable' };
    return { kind: 'ok', session, now_ms: readNow(answer?.body) };
  },

  async command(command: Command): Promise<CommandAnswer> {
    const answer = await request('POST', '/api/cmd', command);
    if (answer?.status === 401) return { kind: 'no_session' };
    const message = isObject(answer?.body) ? parseMessage(answer.body) : null;
    if (message?.t === 'ok' || message?.t === 'err') return { kind: 'answered', message };
    return { kind: 'unreachable' };
  },

  photo: (picture) => photo(picture),
};

/** Hands one picture in; its body is the file itself. */
async function photo(picture: Blob): Promise<PhotoAnswer> {
  const answer = await request('POST', '/api/photos', picture, PHOTO_TIMEOUT_MS);
  if (answer?.status === 401) return { kind: 'no_session' };
  if (answer?.status === 200 && isObject(answer.body) && typeof answer.body.sha256 === 'string') {
    return { kind: 'kept', sha256: answer.body.sha256 };
  }
  // Too large, or no picture: sending it again changes nothing.
  return answer?.status === 400 || answer?.status === 413 ? { kind: 'refused' } : { kind: 'unreachable' };
}

/** Why the gateway does not show a picture; `null` when it does not say. */
export async function whyMissing(url: string): Promise<Words | null> {
  const answer = await request('GET', url);
  return answer && answer.status !== 200 && isObject(answer.body) ? wordsOrNull(answer.body.text) : null;
}

/** Why an enrolment was refused. */
export interface EnrolRefusal {
  code: string;
  text: Words | null;
  /** How long to wait, when there were too many tries. */
  retry_s: number | null;
}

/** Redeems a one-time token: this phone belongs to that officer from now on. `null` means it worked. */
export async function enrol(token: string, phone: string): Promise<EnrolRefusal | null> {
  const answer = await request('POST', '/api/enrol', { token, name: phone });
  if (answer?.status === 200) return null;
  const body = isObject(answer?.body) ? answer.body : {};
  return {
    code: answer === null ? 'unreachable' : typeof body.code === 'string' ? body.code : `http_${answer.status}`,
    text: wordsOrNull(body.text),
    retry_s: typeof body.retry_s === 'number' ? body.retry_s : null,
  };
}

/** One line of what happened to an alarm. */
export interface Happening {
  at: string;
  what: string;
  text: Words | null;
  by: Person | null;
  to: Person | null;
  channel: string | null;
}

/** What a person needs to know beyond the alarm itself. */
export interface Detail {
  advice: { zh: string[]; en: string[] };
  timeline: Happening[];
  /** What a lift was told because of it, the latest last. */
  lift: LiftCommand[];
  /** Where it is on a plan of the compound; null when nobody drew one. */
  pin: Pin | null;
}

/** A command to a lift, and what became of it. */
export interface LiftCommand {
  at: string;
  action: string;
  state: string;
  by: Person | null;
  text: Words | null;
}

/** A point on a plan, as parts of its width and height. */
export interface Pin {
  plan: string;
  x: number;
  y: number;
}

/** Advice and timeline of an alarm; `gone` when this officer may not see it (any more). */
export async function alarmDetail(id: string): Promise<Detail | 'gone' | 'unreachable'> {
  const answer = await request('GET', `/api/alarms/${encodeURIComponent(id)}`);
  if (answer?.status === 404 || answer?.status === 403) return 'gone';
  if (answer?.status !== 200 || !isObject(answer.body)) return 'unreachable';
  const { advice, timeline, plan, lift } = answer.body;
  return {
    advice: { zh: strings(isObject(advice) ? advice.zh : null), en: strings(isObject(advice) ? advice.en : null) },
    timeline: Array.isArray(timeline) ? timeline.flatMap(happening) : [],
    lift: Array.isArray(lift) ? lift.flatMap(liftCommand) : [],
    pin: readPlace(plan),
  };
}

/** Somebody to call. */
export interface Contact {
  name: string;
  telephone: string | null;
}

/** Who lives in a home, and their family. */
export interface Home extends Contact {
  family: Contact[];
}

export type HomeAnswer = { kind: 'shown'; home: Home } | { kind: 'refused'; code: string; words: Words | null };

/** Who lives in the home that an alarm is about. */
export async function resident(alarm: string): Promise<HomeAnswer> {
  const answer = await request('GET', `/api/alarms/${encodeURIComponent(alarm)}/resident`);
  const body = isObject(answer?.body) ? answer.body : {};
  if (answer?.status === 200) {
    return { kind: 'shown', home: { ...contact(body), family: Array.isArray(body.family) ? body.family.filter(isObject).map(contact) : [] } };
  }
  return { kind: 'refused', code: typeof body.code === 'string' ? body.code : 'unreachable', words: wordsOrNull(body.text) };
}

function contact({ name, telephone }: Record<string, unknown>): Contact {
  return { name: text(name), telephone: textOrNull(telephone) };
}

function readPlace(raw: unknown): Pin | null {
  if (!isObject(raw) || typeof raw.plan !== 'string') return null;
  const { plan, x, y } = raw;
  const part = (n: unknown): n is number => typeof n === 'number' && n >= 0 && n <= 1;
  return part(x) && part(y) ? { plan, x, y } : null;
}

function happening(raw: unknown): Happening[] {
  if (!isObject(raw) || typeof raw.at !== 'string') return [];
  return [
    {
      at: raw.at,
      what: text(raw.what),
      text: wordsOrNull(raw.text),
      by: person(raw.by),
      to: person(raw.to),
      channel: textOrNull(raw.channel),
    },
  ];
}

function liftCommand(raw: unknown): LiftCommand[] {
  if (!isObject(raw) || typeof raw.at !== 'string' || typeof raw.action !== 'string') return [];
  const state = text(raw.state);
  return [{ at: raw.at, action: raw.action, state, by: person(raw.by), text: wordsOrNull(raw.text) }];
}

/** Reads who is logged in; `null` when the body is not a session. */
export function readSession(body: unknown): Session | null {
  if (!isObject(body) || !isObject(body.officer)) return null;
  const { officer, site } = body;
  if (typeof officer.id !== 'string' || typeof body.dev !== 'string') return null;
  return {
    officer: {
      id: officer.id,
      name: typeof officer.name === 'string' ? officer.name : officer.id,
      roles: strings(officer.roles),
      admin: officer.admin === true,
    },
    dev: body.dev,
    site: {
      id: isObject(site) ? text(site.id) : '',
      name: (isObject(site) ? wordsOrNull(site.name) : null) ?? { zh: '', en: '' },
    },
    version: text(body.version),
    pin: readPin(body.pin),
  };
}

function readPin(raw: unknown): PinState {
  if (!isObject(raw)) return NO_PIN;
  const { set, required, lock_after_s } = raw;
  return { set: set === true, required: required === true, lock_after_s: typeof lock_after_s === 'number' ? lock_after_s : 0 };
}

function readNow(body: unknown): number | null {
  if (!isObject(body) || typeof body.now !== 'string') return null;
  const now_ms = Date.parse(body.now);
  return Number.isFinite(now_ms) ? now_ms : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
