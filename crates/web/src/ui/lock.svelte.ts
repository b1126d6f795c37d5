/** Whether the app is locked: it was away for too long, and the PIN was not given since. */
import { untrack } from 'svelte';
import { type PinState, mustAsk } from '../core/lock';

const KEY = 'wanglou.seen';
/** While it is in front this is written down so often: a phone that is killed was away from then on. */
const NOTE_MS = 20_000;

let away_ms = $state(Date.now() - seen());

export const lock = {
  asks: (pin: PinState): boolean => mustAsk(pin, away_ms),
  /** The PIN was right, or is not needed any more. */
  opened(): void {
    away_ms = 0;
    note();
  },
};

/** Follows the page from now on; `asking` says whether the app is locked, for then nobody is seen. */
export function watchLock(asking: () => boolean, signal: AbortSignal): void {
  const seenNow = () => {
    if (!asking()) note();
  };
  document.addEventListener(
    'visibilitychange',
    () => {
      if (document.visibilityState === 'hidden') seenNow();
      else if (!asking()) away_ms = Date.now() - seen();
    },
    { signal },
  );
  window.addEventListener('pagehide', seenNow, { signal });
  const timer = setInterval(() => document.visibilityState === 'visible' && seenNow(), NOTE_MS);
  signal.addEventListener('abort', () => clearInterval(timer));
  // Whatever starts this must not start again whenever what is asked here changes.
  untrack(seenNow);
}

/** When the app was last in front and open; now on a phone that never was. */
function seen(): number {
  try {
    return Number(localStorage.getItem(KEY)) || Date.now();
  } catch {
    return Date.now();
  }
}

function note(): void {
  try {
    localStorage.setItem(KEY, String(Date.now()));
  } catch {
    // Storage may be forbidden: then it is asked for within a visit only.
  }
}
