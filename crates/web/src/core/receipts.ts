/**
 * Receipts on their way to the gateway: kept while there is no connection, the
 * newest per alarm and kind, and sent at a pace that the gateway takes (it
 * closes on a phone that says more than 100 things at once and 20 a second).
 */
import type { Clock, Owed } from './ports';

/** So many go out at once; the rest of the gateway's allowance is for commands and heartbeats. */
export const BURST = 40;
/** Then one each. */
export const PACE_MS = 100;

/** See the module's description. */
export class Receipts {
  private readonly owed = new Map<string, Owed>();
  private is_connected = false;
  private allowance = BURST;
  private cancelRefill: (() => void) | null = null;

  /** @param send called only while connected */
  constructor(
    private readonly clock: Clock,
    private readonly send: (owed: Owed) => void,
  ) {}

  /** Sends the receipt now or as soon as it can be. */
  owe(owed: Owed): void {
    this.owed.set(`${owed.as} ${owed.id}`, owed);
    this.pay();
  }

  /** There is a connection that takes receipts, or there is none any more. */
  connected(is_connected: boolean): void {
    this.is_connected = is_connected;
    this.pay();
  }

  /** Forgets everything, for another officer. */
  clear(): void {
    this.owed.clear();
  }

  private pay(): void {
    if (!this.is_connected) return;
    for (const [key, owed] of this.owed) {
      if (this.allowance === 0) return;
      this.owed.delete(key);
      this.allowance -= 1;
      this.refill();
      this.send(owed);
    }
  }

  private refill(): void {
    this.cancelRefill ??= this.clock.after(PACE_MS, () => {
      this.cancelRefill = null;
      this.allowance += 1;
      if (this.allowance < BURST) this.refill();
      this.pay();
    });
  }
}
