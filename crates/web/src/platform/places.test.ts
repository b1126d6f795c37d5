import { afterEach, expect, test, vi } from 'vitest';
import { matching, places } from './places';

afterEach(() => vi.unstubAllGlobals());

const ALL = [
  { id: '3/2/lift-B', path: ['3号楼', '2单元', '电梯B'], path_en: ['Building 3', 'Unit 2', 'Lift B'] },
  { id: '7', path: ['7号楼'], path_en: ['Building 7'] },
];

test('a place is found by any of its names, in any order', () => {
  expect(matching(ALL, '电梯 3号楼').map((p) => p.id)).toEqual(['3/2/lift-B']);
  expect(matching(ALL, 'BUILDING 7').map((p) => p.id)).toEqual(['7']);
  expect(matching(ALL, '3/2').map((p) => p.id)).toEqual(['3/2/lift-B']);
  expect(matching(ALL, '').length).toBe(2);
  expect(matching(ALL, 'nowhere')).toEqual([]);
});

test('without a network the places of the last time are there', async () => {
  const kept = new Map<string, Response>();
  vi.stubGlobal('caches', {
    open: async () => ({ put: async (key: string, value: Response) => void kept.set(key, value) }),
    match: async (key: string) => kept.get(key)?.clone(),
  });
  vi.stubGlobal('fetch', async () => new Response(JSON.stringify([...ALL, { id: 7 }, null])));
  expect(await places()).toEqual(ALL);
  vi.stubGlobal('fetch', async () => Promise.reject(new Error('no network')));
  expect(await places()).toEqual(ALL);
});
