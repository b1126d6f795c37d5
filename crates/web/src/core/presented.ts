/**
 * Which alarms a person has had before their eyes: shown on a visible page for
 * at least one second. The gateway spares such a person the message card and
 * the early call, so this must never claim too much.
 */
import type { Clock, Owed } from './ports';

/** How long an alarm must be on the screen. */
export const PRESENTED_MS = 1_000;

interface Watch {
  rev: number;
  cancel: () => void;
}

/** See the module's description. */
export class Presented {
  private readonly shown = new Map<string, Watch>();
  /** The revision last reported for each alarm. */
  private readonly reported = new Map<string, number>();
  private page_visible = true;

  /**
   * @param report called once per revision that was seen
   * @param sounding whether the alarm is also heard right now
   */
  constructor(
    private readonly clock: Clock,
    private readonly sounding: (id: string) => boolean,
    private readonly report: (owed: Owed) => void,
  ) {}

  /** The page was hidden or shown; a hidden page shows nothing. */
  page(visible: boolean): void {
    this.page_visible = visible;
    for (const [id, watch] of this.shown) {
      watch.cancel();
      if (visible) this.watch(id, watch.rev);
    }
  }

  /** Revision `rev` of alarm `id` is on the screen from now on. */
  show(id: string, rev: number): void {
    if (this.shown.get(id)?.rev === rev) return;
    this.hide(id);
    this.watch(id, rev);
  }

  /** Alarm `id` is no longer on the screen. */
  hide(id: string): void {
    this.shown.get(id)?.cancel();
    this.shown.delete(id);
  }

  /** Forgets everything, for another officer. */
  clear(): void {
    for (const id of [...this.shown.keys()]) this.hide(id);
    this.reported.clear();
  }

  private watch(id: string, rev: number): void {
    const unseen = (this.reported.get(id) ?? -1) < rev;
    const cancel = unseen && this.page_visible ? this.clock.after(PRESENTED_MS, () => this.seen(id, rev)) : nothing;
    this.shown.set(id, { rev, cancel });
  }

  private seen(id: string, rev: number): void {
    this.reported.set(id, rev);
    const how = this.sounding(id) ? ['screen', 'sound'] : ['screen'];
    this.report({ id, rev, as: 'presented', how });
  }
}

function nothing(): void {}
