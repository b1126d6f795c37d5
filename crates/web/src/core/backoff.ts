/** When to try again after a connection was lost. */

const FIRST_MS = 500;
const LONGEST_MS = 20_000;

/**
 * A wait with full jitter, so that phones that lost the same gateway do not
 * come back in the same second: uniform in 0 … min(20 s, 0.5 s · 2ⁿ).
 *
 * @param failures how many tries have failed since the last complete sync
 * @param random uniform in [0, 1)
 */
export function reconnectDelayMs(failures: number, random: number): number {
  // 2^6 × 0.5 s is past the longest wait; the exponent need not grow further.
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 6));
  return Math.floor(random * ceiling);
}
