/**
 * Push messages, from the page's side: the permission, the subscription and what
 * the gateway knows of it. The messages themselves go to the service worker.
 */
import { isObject } from '../core/read';
import type { PushState } from '../core/readiness';
import { request } from './http';
import { installed, isIphone } from './phone';
import { supported } from './worker';

/**
 * Brings subscription and gateway together; called at each opening of the app,
 * since browsers end subscriptions without a word. Asks the person for nothing.
 */
export async function syncPush(): Promise<PushState> {
  const answer = await request('GET', '/api/push');
  if (answer?.status === 404) return 'off';
  if (answer?.status !== 200 || !isObject(answer.body) || typeof answer.body.key !== 'string') return 'unknown';
  if (isIphone() && !installed()) return 'install';
  if (!supported() || !('PushManager' in window) || !('Notification' in window)) return 'unsupported';
  if (Notification.permission === 'denied') return 'denied';
  if (Notification.permission !== 'granted') return 'ask';
  return subscribe(answer.body.key);
}

/** Asks the person for permission; only from a tap. */
export async function askPush(): Promise<PushState> {
  try {
    if ('Notification' in window && Notification.permission === 'default') await Notification.requestPermission();
  } catch {
    // Old browsers throw where others answer no.
  }
  return syncPush();
}

/** Sends a message to this phone alone; its id, or `null` when it could not be sent. */
export async function trialPush(): Promise<string | null> {
  const answer = await request('POST', '/api/push/trial', {});
  return answer?.status === 200 && isObject(answer.body) && typeof answer.body.trial === 'string' ? answer.body.trial : null;
}

/** This phone is nobody's any more: its subscription goes with the log-in. */
export async function dropPush(): Promise<void> {
  try {
    const registration = supported() ? await navigator.serviceWorker.getRegistration() : undefined;
    await (await registration?.pushManager?.getSubscription())?.unsubscribe();
  } catch {
    // The gateway has forgotten it in any case.
  }
}

/** Takes notifications away that call for nobody any more; those of `calling` stay. */
export async function clearNotices(calling: ReadonlySet<string>): Promise<void> {
  try {
    const registration = supported() ? await navigator.serviceWorker.getRegistration() : undefined;
    for (const notice of (await registration?.getNotifications?.()) ?? []) {
      const alarm: unknown = (notice.data as { alarm?: unknown } | null)?.alarm;
      if (typeof alarm === 'string' && alarm !== '' && !calling.has(alarm)) notice.close();
    }
  } catch {
    // A browser without notifications has none to take away.
  }
}

async function subscribe(key: string): Promise<PushState> {
  try {
    const registration = await navigator.serviceWorker.ready;
    let subscription = await registration.pushManager.getSubscription();
    // The gateway has another key, as after a restore from nothing: the old subscription takes nothing from it.
    if (subscription && !sameKey(subscription.options.applicationServerKey, key)) {
      await subscription.unsubscribe();
      subscription = null;
    }
    subscription ??= await registration.pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: bytes(key),
    });
    const answer = await request('POST', '/api/push', subscription.toJSON());
    return answer?.status === 204 ? 'ok' : 'failed';
  } catch {
    return 'failed';
  }
}

function sameKey(given: ArrayBuffer | null, key: string): boolean {
  const wanted = bytes(key);
  const found = new Uint8Array(given ?? new ArrayBuffer(0));
  return found.length === wanted.length && found.every((byte, i) => byte === wanted[i]);
}

function bytes(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replace(/-/g, '+').replace(/_/g, '/'));
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}
