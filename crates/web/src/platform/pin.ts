/**
 * The PIN on this phone. The gateway judges it; without a network a phone on
 * which it was right before can, for a few tries, so that nobody stands in a
 * basement before a locked list.
 */
import { type Words, wordsOrNull } from '../core/alarm';
import { isObject } from '../core/read';
import { type Answer, request } from './http';

const KEY = 'wanglou.pin';
/** Passes of PBKDF2: what a slow phone does in half a second. */
const PASSES = 310_000;
const TRIES_MAX = 5;

/** What came of a PIN. `words` are the gateway's; null when it did not answer. */
export type Judged = { good: true } | { good: false; code: string; words: Words | null; retry_s: number | null };

interface Kept {
  salt: string;
  hash: string;
  wrong: number;
}

/** Gives the PIN; without a network it is compared with the one that was right here before. */
export async function unlock(pin: string): Promise<Judged> {
  const judged = read(await request('POST', '/api/pin/unlock', { pin }));
  if (judged.good) await remember(pin);
  if (judged.good || judged.code !== 'unreachable') return judged;
  return (await isKept(pin)) ? { good: true } : { ...judged, code: kept() ? 'offline_wrong' : 'unreachable' };
}

/** Chooses a PIN; `old` is the one until now, if there is one. */
export async function choose(pin: string, old: string): Promise<Judged> {
  const judged = read(await request('POST', '/api/pin', { pin, old }));
  if (judged.good) await remember(pin);
  return judged;
}

/** Another officer, or nobody, has this phone from now on. */
export function forget(): void {
  try {
    localStorage.removeItem(KEY);
  } catch {
    // Then there is nothing to forget.
  }
}

function read(answer: Answer): Judged {
  if (answer?.status === 204) return { good: true };
  const body = isObject(answer?.body) ? answer.body : {};
  return {
    good: false,
    code: answer === null ? 'unreachable' : typeof body.code === 'string' ? body.code : `http_${answer.status}`,
    words: wordsOrNull(body.text),
    retry_s: typeof body.retry_s === 'number' ? body.retry_s : null,
  };
}

async function remember(pin: string): Promise<void> {
  const salt = hex(crypto.getRandomValues(new Uint8Array(16)));
  save({ salt, hash: await derive(pin, salt), wrong: 0 });
}

async function isKept(pin: string): Promise<boolean> {
  const found = kept();
  if (!found || found.wrong >= TRIES_MAX) return false;
  // Counted first: an app that is killed meanwhile has tried all the same.
  save({ ...found, wrong: found.wrong + 1 });
  const good = (await derive(pin, found.salt)) === found.hash;
  if (good) save({ ...found, wrong: 0 });
  return good;
}

async function derive(pin: string, salt: string): Promise<string> {
  const text = new TextEncoder();
  const key = await crypto.subtle.importKey('raw', text.encode(pin), 'PBKDF2', false, ['deriveBits']);
  const how = { name: 'PBKDF2', hash: 'SHA-256', salt: text.encode(salt), iterations: PASSES };
  return hex(new Uint8Array(await crypto.subtle.deriveBits(how, key, 256)));
}

const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

function kept(): Kept | null {
  try {
    const raw: unknown = JSON.parse(localStorage.getItem(KEY) ?? 'null');
    if (!isObject(raw) || typeof raw.salt !== 'string' || typeof raw.hash !== 'string') return null;
    return { salt: raw.salt, hash: raw.hash, wrong: typeof raw.wrong === 'number' ? raw.wrong : TRIES_MAX };
  } catch {
    return null;
  }
}

function save(next: Kept): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(next));
  } catch {
    // Storage may be forbidden: then the gateway alone judges.
  }
}
