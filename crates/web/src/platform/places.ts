/** The places that a report can be about; kept on the phone, so that one can be chosen without a network. */
import { objects, strings } from '../core/read';
import { request } from './http';

export interface Place {
  id: string;
  path: string[];
  path_en: string[];
}

const CACHE = 'wanglou-choices';
const KEY = '/places';

/** From the gateway, else as it was the last time; empty when there never was one. */
export async function places(): Promise<Place[]> {
  const answer = await request('GET', '/api/places');
  if (answer?.status === 200) {
    await keep(answer.body);
    return read(answer.body);
  }
  return read(await kept());
}

/** Those whose names hold every word of what was typed; all of them when nothing was. */
export function matching<T extends Place>(all: readonly T[], typed: string): T[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return all.filter(({ id, path, path_en }) => {
    const names = [id, path.join(''), path_en.join(' ')].join(' ').toLowerCase();
    return words.every((word) => names.includes(word));
  });
}

function read(raw: unknown): Place[] {
  return objects(raw).flatMap((one) => {
    if (typeof one.id !== 'string') return [];
    return [{ id: one.id, path: strings(one.path), path_en: strings(one.path_en) }];
  });
}

async function keep(body: unknown): Promise<void> {
  try {
    await (await caches.open(CACHE)).put(KEY, new Response(JSON.stringify(body)));
  } catch {
    // Without storage the list is there while there is a network.
  }
}

async function kept(): Promise<unknown> {
  try {
    return await (await caches.match(KEY, { cacheName: CACHE }))?.json();
  } catch {
    return null;
  }
}
