/**
 * The service worker: starts the app without a network, and shows what is
 * pushed while the app is closed.
 *
 * It keeps the files of one build and nothing else (see `shell.ts`). A new build
 * waits until every window is closed or a person taps "update": a page is never
 * reloaded or emptied under somebody's thumb. It shares no code with the app, so
 * that it is one classic script without imports.
 */
import { noticeOf, pageOf, readPushed } from './notice';
import { answeredBy, isOldShell, shellCache } from './shell';

/** Replaced by the build: the paths to keep, and a hash over their names. */
declare const __SHELL__: string[];
declare const __BUILD__: string;

/** What the service worker sees of itself; TypeScript's own library for it cannot be loaded beside the page's. */
interface Worker {
  location: Location;
  registration: ServiceWorkerRegistration;
  clients: {
    matchAll(options: { type: 'window'; includeUncontrolled: boolean }): Promise<WindowClient[]>;
    openWindow(url: string): Promise<unknown>;
  };
  skipWaiting(): Promise<void>;
  addEventListener<E>(name: string, listen: (event: E) => void): void;
}
interface WindowClient {
  focus(): Promise<unknown>;
  postMessage(message: unknown): void;
}
interface Lasting {
  waitUntil(work: Promise<unknown>): void;
}
interface FetchNews extends Lasting {
  request: Request;
  respondWith(response: Promise<Response>): void;
}
interface PushNews extends Lasting {
  data: { text(): string } | null;
}
interface ClickNews extends Lasting {
  notification: Notification;
}
interface SubscriptionNews extends Lasting {
  oldSubscription?: PushSubscription;
}
interface MessageNews {
  data: unknown;
}

const worker = globalThis as unknown as Worker;

worker.addEventListener<Lasting>('install', (event) => event.waitUntil(keepShell()));
worker.addEventListener<Lasting>('activate', (event) => event.waitUntil(forgetOldShells()));

worker.addEventListener<FetchNews>('fetch', (event) => {
  const { method, url, mode } = event.request;
  const path = answeredBy({ method, url, navigates: mode === 'navigate' }, worker.location.origin, __SHELL__);
  if (path !== null) event.respondWith(kept(path, event.request));
});

worker.addEventListener<MessageNews>('message', ({ data }) => {
  if (data === 'update') void worker.skipWaiting();
});

worker.addEventListener<PushNews>('push', (event) => event.waitUntil(show(event.data?.text() ?? '')));

worker.addEventListener<ClickNews>('notificationclick', (event) => {
  event.notification.close();
  const data = event.notification.data as { alarm?: string } | null;
  event.waitUntil(open(data?.alarm ?? ''));
});

worker.addEventListener<SubscriptionNews>('pushsubscriptionchange', (event) => {
  event.waitUntil(resubscribe(event.oldSubscription));
});

async function keepShell(): Promise<void> {
  const cache = await caches.open(shellCache(__BUILD__));
  // Past the browser's own cache: a page of yesterday must not be kept as today's.
  await cache.addAll(__SHELL__.map((path) => new Request(path, { cache: 'reload' })));
}

async function forgetOldShells(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => isOldShell(name, __BUILD__)).map((name) => caches.delete(name)));
}

async function kept(path: string, request: Request): Promise<Response> {
  const cache = await caches.open(shellCache(__BUILD__));
  return (await cache.match(path)) ?? fetch(request);
}

/** A visible notification for every push, then the receipt: the ladder must not wait for a phone that has it. */
async function show(text: string): Promise<void> {
  const pushed = readPushed(text);
  const { title, ...options } = noticeOf(pushed, await chosenLocale());
  const more = { renotify: true, icon: '/icons/icon-192.png', badge: '/icons/badge-96.png', lang: '' };
  await worker.registration.showNotification(title, {
    ...options,
    ...more,
    data: { alarm: pushed.alarm },
  } as NotificationOptions);
  if (pushed.trial) await tellPages({ t: 'trial', trial: pushed.trial });
  else if (pushed.alarm) await receipt(pushed.alarm, pushed.rev);
}

async function receipt(id: string, rev: number): Promise<void> {
  const body = JSON.stringify({ id, rev, as: 'presented' });
  await post('/api/receipt', body);
}

async function open(alarm: string): Promise<void> {
  const [page] = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true });
  if (!page) {
    await worker.clients.openWindow(pageOf(alarm));
    return;
  }
  page.postMessage({ t: 'open', alarm });
  await page.focus().catch(() => undefined);
}

/** The browser gave the subscription up: a new one at once, else nothing would ever arrive. */
async function resubscribe(old: PushSubscription | undefined): Promise<void> {
  const key = old?.options.applicationServerKey;
  if (!key) return;
  const fresh = await worker.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  await post('/api/push', JSON.stringify(fresh));
}

/** Without an answer nothing is lost: the app says it again when it is opened. */
async function post(path: string, body: string): Promise<void> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
  await fetch(path, { ...init, credentials: 'same-origin' }).catch(() => undefined);
}

async function tellPages(message: unknown): Promise<void> {
  for (const page of await worker.clients.matchAll({ type: 'window', includeUncontrolled: true })) {
    page.postMessage(message);
  }
}

/** The app writes its language where a worker can read it. */
async function chosenLocale(): Promise<string> {
  const chosen = await caches.match('/locale', { cacheName: 'wanglou-choices' }).catch(() => undefined);
  return (await chosen?.text()) ?? (/^zh/i.test(navigator.language) ? 'zh-CN' : 'en');
}
