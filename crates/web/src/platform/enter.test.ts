import { beforeEach, expect, test, vi } from 'vitest';
import { enter } from './enter';

const sent: { cid: string; op: string; to?: string }[] = [];
let answers: (() => Response)[] = [];

beforeEach(() => {
  sent.length = 0;
  vi.stubGlobal('fetch', async (_: string, init: RequestInit) => {
    sent.push(JSON.parse(String(init.body)));
    const next = answers.shift();
    if (!next) throw new TypeError('no network');
    return next();
  });
});

const json = (status: number, body: unknown) => () => new Response(JSON.stringify(body), { status });

test('what was not answered is the same command when it is tried again, and a new one afterwards', async () => {
  answers = [];
  expect(await enter('handover', { to: 'li' })).toEqual({ kind: 'unreachable' });
  answers = [json(503, { code: 'busy' }), json(200, { t: 'ok', cid: 'x' }), json(200, { t: 'ok', cid: 'y' })];
  expect(await enter('handover', { to: 'li' })).toEqual({ kind: 'unreachable' });
  expect(await enter('handover', { to: 'li' })).toEqual({ kind: 'done' });
  await enter('handover', { to: 'li' });
  const [first, second, third, fourth] = sent.map(({ cid }) => cid);
  expect([second, third]).toEqual([first, first]);
  expect(fourth).not.toBe(first);
  expect(sent[0]).toMatchObject({ op: 'handover', to: 'li' });
});

test('an entry after another one is a new command, even where the first was never answered', async () => {
  answers = [];
  await enter('sign_off');
  answers = [json(200, { t: 'ok', cid: 'x' }), json(200, { t: 'ok', cid: 'y' })];
  await enter('sign_on');
  await enter('sign_off');
  expect(new Set(sent.map(({ cid }) => cid)).size).toBe(3);
});

test('what was not answered long ago is a new command: it may have been done, and undone since', async () => {
  vi.useFakeTimers();
  answers = [];
  await enter('sign_off');
  vi.advanceTimersByTime(4 * 60_000);
  await enter('sign_off');
  vi.advanceTimersByTime(2 * 60_000);
  await enter('sign_off');
  vi.useRealTimers();
  const [first, second, third] = sent.map(({ cid }) => cid);
  expect(second).toBe(first);
  expect(third).not.toBe(first);
});

test('a refusal is told in the gateway’s words', async () => {
  const text = { zh: '请先交接', en: 'hand over first' };
  answers = [json(400, { t: 'err', cid: 'x', code: 'invalid', text })];
  expect(await enter('sign_off')).toEqual({ kind: 'refused', code: 'invalid', words: text });
});
