/**
 * Guards a button that appears by itself under a thumb that is already moving:
 * an alarm may fill the screen just as somebody taps something else, and the
 * next step takes the place of the one just tapped.
 */

/** Taps sooner than this after a button came up were meant for what was there before. */
const SETTLE_MS = 600;

/** Call when the button comes up; the result runs `act` only once the button has been there for a moment. */
export function settled(act: () => void): () => void {
  const shown_ms = performance.now();
  return () => {
    if (performance.now() - shown_ms >= SETTLE_MS) act();
  };
}
