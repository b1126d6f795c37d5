import { expect, test } from 'vitest';
import { reconnectDelayMs } from './backoff';

test('the longest wait doubles with every failure up to twenty seconds', () => {
  const longest = [0, 1, 2, 3, 4, 5, 6, 7, 1000].map((n) => reconnectDelayMs(n, 0.999999));
  expect(longest).toEqual([499, 999, 1999, 3999, 7999, 15999, 19999, 19999, 19999]);
});

test('the shortest wait is none, so that phones spread over the whole range', () => {
  expect(reconnectDelayMs(9, 0)).toBe(0);
});
