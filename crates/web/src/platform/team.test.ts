import { afterEach, expect, test, vi } from 'vitest';
import { past, team, worksOn } from './team';

afterEach(() => vi.unstubAllGlobals());

function answers(status: number, body: unknown): string[] {
  const asked: string[] = [];
  vi.stubGlobal('fetch', (path: string) => {
    asked.push(path);
    return Promise.resolve(new Response(JSON.stringify(body), { status }));
  });
  return asked;
}

const TEAM = {
  people: [
    { id: 'wu', name: '吴', roles: ['guard'], on_duty: true, reachable: false },
    { id: 'li', name: '李', roles: ['manager', 7], on_duty: 'yes', reachable: true },
  ],
  shifts: [
    { officer: 'wu', from_min: 1200, until_min: 480, weekdays: [true, false, true, false, false, false, false] },
    { officer: 'li', from_min: 480, until_min: 1200, weekdays: [true] },
    { officer: 'gone', from_min: 0, until_min: 60, weekdays: 'every' },
  ],
  today: 0,
};

test('the rota of a day is in the order of its shifts, over midnight too', async () => {
  answers(200, TEAM);
  const found = await team();
  if (!found) throw new Error('a team');
  expect(worksOn(found, 0)).toEqual([
    { name: '李', from: '08:00', until: '20:00' },
    { name: '吴', from: '20:00', until: '08:00' },
  ]);
  expect(worksOn(found, 1)).toEqual([]);
  expect(found.people[1]).toMatchObject({ roles: ['manager'], on_duty: false });
});

test('an answer that is none is none', async () => {
  answers(403, { code: 'forbidden' });
  expect(await team()).toBeNull();
  expect(await past('2026-03-02')).toBeNull();
});

test('the past is read newest first, and an unknown level is the most urgent', async () => {
  const asked = answers(200, [
    { alarm: 'a', prio: 3, kind: 'manhole', raised_at: '2026-03-02T01:00:00Z', path: ['3号楼'], path_en: ['B3'] },
    { alarm: 'b', prio: 9, title: { zh: '井盖', en: 'Cover' }, raised_at: '2026-03-02T02:00:00Z', test: true },
  ]);
  const lines = await past('2026-03-02');
  expect(asked).toEqual(['/api/history?day=2026-03-02']);
  expect(lines?.map(({ alarm, prio, test }) => [alarm, prio, test])).toEqual([
    ['b', 1, true],
    ['a', 3, false],
  ]);
  expect(lines?.[1]?.title.zh).toBe('manhole');
});

test('one’s own duty and the lists that wait for a signature are read; what is not whole is none', async () => {
  answers(200, {
    ...TEAM,
    me: { on_duty: true, signed_until: '2026-03-02T21:00:00Z' },
    offers: [{ from: { id: 'li', name: '李' }, to: { id: 'wu', name: '吴' }, alarms: 2, until: 't' }, { from: 7 }],
  });
  const found = await team();
  expect(found?.me).toEqual({ on_duty: true, signed_until: '2026-03-02T21:00:00Z' });
  expect(found?.offers.map(({ from, alarms }) => [from.name, alarms])).toEqual([['李', 2]]);
  answers(200, TEAM);
  expect((await team())?.me).toEqual({ on_duty: false, signed_until: null });
});
