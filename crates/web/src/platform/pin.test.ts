import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { choose, forget, unlock } from './pin';

let answer: { status: number; body: unknown } | null;
const kept = new Map<string, string>();

beforeEach(() => {
  kept.clear();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  });
  vi.stubGlobal('fetch', async () => {
    if (!answer) throw new TypeError('no network');
    return new Response(answer.status === 204 ? null : JSON.stringify(answer.body), { status: answer.status });
  });
});

afterEach(() => vi.unstubAllGlobals());

test('the gateway judges, in its own words', async () => {
  answer = { status: 403, body: { code: 'pin_wrong', text: { zh: '不对', en: 'wrong' } } };
  expect(await unlock('5050')).toEqual({ good: false, code: 'pin_wrong', words: { zh: '不对', en: 'wrong' }, retry_s: null });
  answer = { status: 429, body: { code: 'slow_down', text: { zh: '', en: '' }, retry_s: 300 } };
  expect(await unlock('5050')).toMatchObject({ good: false, code: 'slow_down', retry_s: 300 });
});

test('without a network only a PIN that was right here before opens, for five tries', async () => {
  answer = null;
  expect(await unlock('5050')).toMatchObject({ good: false, code: 'unreachable' });
  answer = { status: 204, body: null };
  expect(await choose('5050', '')).toEqual({ good: true });
  expect([...kept.values()].join()).not.toContain('5050');
  answer = null;
  expect(await unlock('5050')).toEqual({ good: true });
  for (let n = 0; n < 5; n += 1) expect(await unlock('1111')).toMatchObject({ good: false, code: 'offline_wrong' });
  expect(await unlock('5050')).toMatchObject({ good: false, code: 'offline_wrong' });
  answer = { status: 204, body: null };
  expect(await unlock('5050')).toEqual({ good: true });
  answer = null;
  expect(await unlock('5050')).toEqual({ good: true });
  forget();
  expect(await unlock('5050')).toMatchObject({ good: false, code: 'unreachable' });
});
