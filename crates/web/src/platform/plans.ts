/**
 * Plans of the compound and where on them the open alarms are, kept on the phone: whoever goes down into a garage has
 * no network there. Fetched as soon as an alarm is in the list, not only once somebody opens it.
 */
import { isObject } from '../core/read';
import { alarmDetail, type Pin } from './http';

const CACHE = 'wanglou-plans';
const PINS = '/pins';
/** Open alarms whose place is kept; a flood has more, and the latest of the list are enough. */
const PINS_MAX = 60;
/** A compound has a few plans; each has at most 1 MiB. */
const PLANS_MAX = 20;

/** Whose alarms, and where each is; `null` where no plan has its place. */
interface Kept {
  officer: string;
  pins: Record<string, Pin | null>;
}

let keeping: Promise<void> = Promise.resolve();

/** Keeps what these open alarms need, and forgets the rest; one after the other. */
export function keepPlans(officer: string, open: readonly string[]): Promise<void> {
  keeping = keeping.then(() => keep(officer, open.slice(0, PINS_MAX))).catch(() => undefined);
  return keeping;
}

async function keep(officer: string, open: readonly string[]): Promise<void> {
  const before = await read();
  const known = before?.officer === officer ? before.pins : {};
  const pins: Kept['pins'] = {};
  for (const id of open) {
    const found = known[id] === undefined ? await alarmDetail(id) : null;
    if (typeof found === 'object') pins[id] = found ? found.pin : (known[id] ?? null);
  }
  const cache = await caches.open(CACHE);
  await cache.put(PINS, new Response(JSON.stringify({ officer, pins } satisfies Kept)));
  const needed = [...new Set(Object.values(pins).flatMap((pin) => (pin ? [address(pin.plan)] : [])))].slice(0, PLANS_MAX);
  for (const path of needed) if (!(await cache.match(path))) await load(path);
  const paths = [PINS, ...needed];
  for (const { url } of await cache.keys()) if (!paths.some((path) => url.endsWith(path))) await cache.delete(url);
}

/** Where an alarm is, as it was last known; null when nothing is kept of it. */
export async function keptPin(officer: string, alarm: string): Promise<Pin | null> {
  const kept = await read().catch(() => null);
  return kept?.officer === officer ? (kept.pins[alarm] ?? null) : null;
}

/** A plan as a picture: from the gateway, else as it was kept; null when there is neither. */
export async function plan(name: string): Promise<Blob | null> {
  const path = address(name);
  const fresh = await load(path);
  if (fresh) return fresh;
  const kept = await caches.match(path, { cacheName: CACHE }).catch(() => undefined);
  return kept ? kept.blob() : null;
}

/** Another officer, or nobody, uses this phone now. */
export async function forgetPlans(): Promise<void> {
  await caches.delete(CACHE).catch(() => false);
}

const address = (name: string) => `/api/plans/${encodeURIComponent(name)}`;

/** Fetches one and keeps it; null when the gateway gives none. */
async function load(path: string): Promise<Blob | null> {
  try {
    const answer = await fetch(path, { credentials: 'same-origin' });
    if (!answer.ok) return null;
    const blob = await answer.blob();
    const kept = new Response(blob, { headers: { 'content-type': 'image/svg+xml' } });
    // Without storage it is there while there is a network.
    await caches.open(CACHE).then((cache) => cache.put(path, kept)).catch(() => undefined);
    return new Blob([blob], { type: 'image/svg+xml' });
  } catch {
    return null;
  }
}

async function read(): Promise<Kept | null> {
  const raw: unknown = await (await caches.match(PINS, { cacheName: CACHE }))?.json();
  return isObject(raw) && typeof raw.officer === 'string' && isObject(raw.pins) ? (raw as unknown as Kept) : null;
}
