import { expect, test } from 'vitest';
import { mustAsk } from './lock';

const pin = { set: true, required: false, lock_after_s: 900 };

test('the PIN is asked for after so long away, and not before', () => {
  expect(mustAsk(pin, 0)).toBe(false);
  expect(mustAsk(pin, 899_999)).toBe(false);
  expect(mustAsk(pin, 900_000)).toBe(true);
});

test('a clock that is put back far does not open the app', () => {
  expect(mustAsk(pin, -5_000)).toBe(false);
  expect(mustAsk(pin, -3_600_000)).toBe(true);
});

test('who has no PIN, or is never to be asked, is not asked', () => {
  expect(mustAsk({ ...pin, set: false }, 1e12)).toBe(false);
  expect(mustAsk({ ...pin, lock_after_s: 0 }, 1e12)).toBe(false);
});
