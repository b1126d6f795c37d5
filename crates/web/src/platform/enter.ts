/** Entries about the compound and its people, answered at once: not for the offline queue, for whoever enters must know. */
import { type Words, wordsOrNull } from '../core/alarm';
import { isObject, text } from '../core/read';
import { uuid7 } from '../core/uuid7';
import { request } from './http';

export type EnterAnswer = { kind: 'done' } | { kind: 'refused'; code: string; words: Words | null } | { kind: 'unreachable' };

/**
 * Tried again within this time it is the same command, done once however often it comes. Later it is a new one: what was
 * entered may have been undone meanwhile, from another phone too.
 */
const SAME_FOR_MS = 5 * 60_000;

/** The entry that nobody answered; whatever is entered after it takes its place. */
let unanswered: { what: string; cid: string; at_ms: number } | null = null;

export async function enter(op: string, fields: Record<string, unknown> = {}): Promise<EnterAnswer> {
  const what = JSON.stringify([op, fields]);
  const now_ms = Date.now();
  const tried = unanswered?.what === what && now_ms - unanswered.at_ms < SAME_FOR_MS ? unanswered : null;
  const entry = tried ?? { what, cid: uuid7(now_ms, crypto.getRandomValues(new Uint8Array(10))), at_ms: now_ms };
  unanswered = entry;
  const answer = await request('POST', '/api/cmd', { cid: entry.cid, op, ...fields });
  const body = isObject(answer?.body) ? answer.body : null;
  // Without an answer, or with "busy", it may have been done or not.
  if (!answer || !body || answer.status >= 500) return { kind: 'unreachable' };
  if (unanswered === entry) unanswered = null;
  if (body.t === 'ok') return { kind: 'done' };
  return { kind: 'refused', code: text(body.code), words: wordsOrNull(body.text) };
}
