import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { whileLookedAt } from './looking';

const page = Object.assign(new EventTarget(), { visibilityState: 'visible' });

function turn(state: 'visible' | 'hidden') {
  page.visibilityState = state;
  page.dispatchEvent(new Event('visibilitychange'));
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('document', page);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('it is read at once, while somebody looks, when they come back, and not after its end', () => {
  let count = 0;
  const end = whileLookedAt(async () => void (count += 1), 1_000);
  expect(count).toBe(1);
  vi.advanceTimersByTime(2_000);
  expect(count).toBe(3);
  turn('hidden');
  vi.advanceTimersByTime(5_000);
  expect(count).toBe(3);
  turn('visible');
  expect(count).toBe(4);
  end();
  vi.advanceTimersByTime(5_000);
  turn('visible');
  expect(count).toBe(4);
});
