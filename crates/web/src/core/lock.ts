/**
 * When the app asks for the PIN: after it was away for long enough. Alarms ring
 * and are accepted without it; what is behind it waits.
 */

/** What the gateway says of this officer's PIN. */
export interface PinState {
  set: boolean;
  /** Everybody must have one. */
  required: boolean;
  /** Asked for after so long away; 0 for never. */
  lock_after_s: number;
}

export const NO_PIN: PinState = { set: false, required: false, lock_after_s: 0 };

/** Clocks are put right by a little now and then; further back is no correction. */
const CORRECTION_MS = 60_000;

/** Whether it is asked for after the app was not in front for so long. */
export function mustAsk(pin: PinState, away_ms: number): boolean {
  if (!pin.set || pin.lock_after_s <= 0) return false;
  return away_ms >= pin.lock_after_s * 1_000 || away_ms < -CORRECTION_MS;
}
