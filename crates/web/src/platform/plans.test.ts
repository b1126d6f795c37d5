import { beforeEach, expect, test, vi } from 'vitest';
import { forgetPlans, keepPlans, keptPin, plan } from './plans';

const ORIGIN = 'https://wanglou.example';
const kept = new Map<string, Response>();
let asked: string[] = [];
let network = true;

beforeEach(() => {
  kept.clear();
  asked = [];
  network = true;
  const cache = {
    put: async (path: string, value: Response) => void kept.set(path, value),
    match: async (path: string) => kept.get(path)?.clone(),
    keys: async () => [...kept.keys()].map((path) => ({ url: ORIGIN + path })),
    delete: async (url: string) => kept.delete(url.replace(ORIGIN, '')),
  };
  vi.stubGlobal('caches', { open: async () => cache, match: cache.match, delete: async () => kept.clear() });
  vi.stubGlobal('fetch', async (path: string) => {
    if (!network) throw new TypeError('no network');
    asked.push(path);
    if (path.startsWith('/api/plans/')) return new Response(`<svg id="${path}"/>`);
    const where = path.endsWith('al_none') ? {} : { plan: { plan: path.endsWith('al_2') ? 'tower' : 'ground', x: 0.5, y: 0.5 } };
    return new Response(JSON.stringify({ timeline: [], ...where }));
  });
});

test('without a network the plan of an alarm that nobody opened is there, with its pin', async () => {
  await keepPlans('wu', ['al_1', 'al_none']);
  network = false;
  expect(await keptPin('wu', 'al_1')).toEqual({ plan: 'ground', x: 0.5, y: 0.5 });
  expect(await keptPin('wu', 'al_none')).toBeNull();
  expect(await (await plan('ground'))?.text()).toContain('/api/plans/ground');
  expect(await plan('tower')).toBeNull();
});

test('what is kept is not asked for again, and what is over is forgotten with its plan', async () => {
  await keepPlans('wu', ['al_1', 'al_2']);
  expect(asked).toEqual(['/api/alarms/al_1', '/api/alarms/al_2', '/api/plans/ground', '/api/plans/tower']);
  await keepPlans('wu', ['al_1', 'al_2']);
  expect(asked).toHaveLength(4);
  await keepPlans('wu', ['al_2']);
  network = false;
  expect(await keptPin('wu', 'al_1')).toBeNull();
  expect(await plan('ground')).toBeNull();
  expect(await plan('tower')).not.toBeNull();
});

test('another officer sees nothing of it, and logging out leaves nothing', async () => {
  await keepPlans('wu', ['al_1']);
  expect(await keptPin('li', 'al_1')).toBeNull();
  await forgetPlans();
  expect(await keptPin('wu', 'al_1')).toBeNull();
  expect(kept.size).toBe(0);
});

test('a flood keeps no more than its share', async () => {
  await keepPlans('wu', Array.from({ length: 200 }, (_, n) => `al_${n + 10}`));
  expect(asked.filter((path) => path.startsWith('/api/alarms/'))).toHaveLength(60);
});
