/** Tells the client when an unaccepted alarm is really on the screen, at least half of it. */
import type { Attachment } from 'svelte/attachments';
import { duty } from '../duty.svelte';

/** Use as `{@attach presented(id, rev)}` on the element that shows the alarm. */
export function presented(id: string, rev: number): Attachment {
  return (element) => {
    const watch = new IntersectionObserver(
      (entries) => {
        if (entries.at(-1)?.isIntersecting) duty.showing(id, rev);
        else duty.notShowing(id);
      },
      { threshold: 0.5 },
    );
    watch.observe(element);
    return () => {
      watch.disconnect();
      duty.notShowing(id);
    };
  };
}
