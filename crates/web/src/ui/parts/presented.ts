/**
 * Tells the client when an unaccepted alarm is really on the screen, at least
 * half of it. The same alarm may have two elements, a row in the hidden list
 * and the screen it fills: it is shown while any of them is.
 */
import type { Attachment } from 'svelte/attachments';
import { duty } from '../duty.svelte';

/** The elements that show each alarm now. */
const showing = new Map<string, Set<Element>>();

/** Use as `{@attach presented(id, rev)}` on the element that shows the alarm. */
export function presented(id: string, rev: number): Attachment {
  return (element) => {
    const watch = new IntersectionObserver(
      (entries) => {
        if (entries.at(-1)?.isIntersecting) shown(id, rev, element);
        else gone(id, element);
      },
      { threshold: 0.5 },
    );
    watch.observe(element);
    return () => {
      watch.disconnect();
      gone(id, element);
    };
  };
}

function shown(id: string, rev: number, element: Element): void {
  const elements = showing.get(id) ?? new Set();
  showing.set(id, elements.add(element));
  duty.showing(id, rev);
}

function gone(id: string, element: Element): void {
  const elements = showing.get(id);
  if (!elements?.delete(element) || elements.size > 0) return;
  showing.delete(id);
  duty.notShowing(id);
}
