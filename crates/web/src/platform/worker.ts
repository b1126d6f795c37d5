/**
 * The service worker as the page sees it: it starts the app without a network
 * and takes pushed messages. A newer build waits until a person asks for it.
 */
import { isObject } from '../core/read';
import type { Locale } from './prefs';

/** How long a person who tapped "update" waits at most before the page is simply read again. */
const UPDATE_MS = 5_000;

/** What the worker tells the page. */
export interface WorkerEvents {
  /** A newer build is here and waits for `update`. */
  updateReady(): void;
  /** A notification was touched: this alarm, or the list when empty. */
  open(alarm: string): void;
  /** A trial message arrived on this phone. */
  trial(id: string): void;
}

/** Whether this browser, at this address, can keep the app and take pushed messages at all. */
export function supported(): boolean {
  return 'serviceWorker' in navigator && isSecureContext;
}

/** Starts the worker. Never throws: without it the app works while it is open. */
export async function startWorker(events: WorkerEvents): Promise<void> {
  if (!supported()) return;
  const workers = navigator.serviceWorker;
  workers.addEventListener('message', ({ data }) => {
    if (!isObject(data)) return;
    if (data.t === 'open') events.open(typeof data.alarm === 'string' ? data.alarm : '');
    if (data.t === 'trial' && typeof data.trial === 'string') events.trial(data.trial);
  });
  try {
    // Its own script is always asked for anew: an old worker must not outlive an update by a day.
    const registration = await workers.register('/sw.js', { updateViaCache: 'none' });
    const told = () => {
      // Without a worker in charge this is the first visit, and nothing is older.
      if (registration.waiting && workers.controller) events.updateReady();
    };
    registration.addEventListener('updatefound', () => registration.installing?.addEventListener('statechange', told));
    told();
  } catch {
    // Storage is forbidden or full: the duty gate says that nothing is kept.
  }
}

/** Whether the app starts without a network: its worker is in place. */
export async function keepsApp(): Promise<boolean> {
  return supported() && (await navigator.serviceWorker.getRegistration())?.active != null;
}

/** Moves to the newest build: a person asked for it. */
export async function update(): Promise<void> {
  const reload = () => location.reload();
  setTimeout(reload, UPDATE_MS);
  const registration = supported() ? await navigator.serviceWorker.getRegistration() : undefined;
  if (!registration) return reload();
  navigator.serviceWorker.addEventListener('controllerchange', reload);
  await registration.update().catch(() => undefined);
  const fresh = registration.waiting ?? registration.installing;
  if (!fresh) return reload();
  const go = () => fresh.state === 'installed' && fresh.postMessage('update');
  fresh.addEventListener('statechange', go);
  go();
}

/** Tells the worker the app's language, for notifications. */
export function tellLocale(locale: Locale): void {
  if (!supported()) return;
  caches
    .open('wanglou-choices')
    .then((cache) => cache.put('/locale', new Response(locale)))
    .catch(() => undefined);
}
