/** Entries about the compound and its people, answered at once: not for the offline queue, for whoever enters must know. */
import { type Words, wordsOrNull } from '../core/alarm';
import { isObject, text } from '../core/read';
import { uuid7 } from '../core/uuid7';
import { request } from './http';

export type EnterAnswer = { kind: 'done' } | { kind: 'refused'; code: string; words: Words | null } | { kind: 'unreachable' };

/** Commands that nobody answered yet: tried again they are the same command, done once. */
const unanswered = new Map<string, string>();
/** More than this were never waited for. */
const UNANSWERED_MAX = 20;

export async function enter(op: string, fields: Record<string, unknown> = {}): Promise<EnterAnswer> {
  const what = JSON.stringify([op, fields]);
  const cid = unanswered.get(what) ?? uuid7(Date.now(), crypto.getRandomValues(new Uint8Array(10)));
  const answer = await request('POST', '/api/cmd', { cid, op, ...fields });
  const body = isObject(answer?.body) ? answer.body : null;
  // Without an answer, or with "busy", it may have been done or not.
  if (!answer || !body || answer.status >= 500) {
    if (unanswered.size >= UNANSWERED_MAX) unanswered.clear();
    unanswered.set(what, cid);
    return { kind: 'unreachable' };
  }
  unanswered.delete(what);
  if (body.t === 'ok') return { kind: 'done' };
  return { kind: 'refused', code: text(body.code), words: wordsOrNull(body.text) };
}
