import { expect, test } from 'vitest';
import { alarm } from './fakes';
import type { Pending } from './ports';
import { ordered, ringKey, ringing, show } from './ring';

const NOBODY: ReadonlySet<string> = new Set();
const shown = (...args: Parameters<typeof alarm>) => show(alarm(...args), [], 'o_wu');

function tapped(op: string, id: string, tries = 1): Pending {
  return { command: { cid: `${op}-${id}`, op, id, rev: 1, at: '2026-03-02T21:00:00Z' }, tries };
}

test('level one is on top even when accepted, then what calls, what is mine, what others do, what is to be known', () => {
  const list = [
    shown('p4', { prio: 4 }),
    shown('mine', { prio: 3, state: 'accepted', accepted_by: { id: 'o_wu', name: 'Wu' } }),
    shown('p3', { prio: 3 }),
    shown('p2-young', { prio: 2, raised_at: '2026-03-02T20:59:30Z' }),
    shown('p2-old', { prio: 2, raised_at: '2026-03-02T20:58:00Z' }),
    shown('p2-taken', { prio: 2, state: 'accepted' }),
    shown('p1-taken', { state: 'arrived' }),
    shown('p1'),
  ];
  expect(ordered(list).open.map((s) => s.alarm.id)).toEqual(['p1', 'p1-taken', 'p2-old', 'p2-young', 'p3', 'mine', 'p2-taken', 'p4']);
});

test('what is over is apart, newest end first', () => {
  const list = [
    shown('a', { state: 'closed', closed_at: '2026-03-02T10:00:00Z' }),
    shown('b', { state: 'resolved', closed_at: '2026-03-02T11:00:00Z' }),
  ];
  expect(ordered(list)).toMatchObject({ open: [], over: [{ alarm: { id: 'b' } }, { alarm: { id: 'a' } }] });
});

test('only open, audible alarms of level one to three that I may accept ring', () => {
  const list = [
    shown('rings', { prio: 3 }),
    shown('silent', { silent: true }),
    shown('digest', { prio: 4 }),
    shown('not-mine', { actions: [] }),
    shown('taken', { state: 'accepted' }),
    shown('declined'),
  ];
  expect(ringing(list, new Set(['declined'])).map((s) => s.alarm.id)).toEqual(['rings']);
});

test('an acceptance that is still on its way already ends the ringing', () => {
  const list = [show(alarm('a'), [tapped('accept', 'a')], 'o_wu')];
  expect(ringing(list, NOBODY)).toEqual([]);
  expect(list[0]).toMatchObject({ state: 'accepted', mine: true, actions: ['arrive', 'resolve', 'note'] });
});

test('taps are foreseen in their order: accept, undo rings again', () => {
  const list = [show(alarm('a'), [tapped('accept', 'a'), tapped('undo', 'a')], 'o_wu')];
  expect(ringing(list, NOBODY).map((s) => s.state)).toEqual(['open']);
});

test('offline one can go the whole way', () => {
  const taps = ['accept', 'arrive', 'resolve'].map((op) => tapped(op, 'a', 0));
  expect(show(alarm('a'), taps, 'o_wu')).toMatchObject({ state: 'resolved', actions: [], sending: taps[2] });
});

test('a command about one alarm changes no other', () => {
  expect(show(alarm('b'), [tapped('accept', 'a')], 'o_wu')).toMatchObject({ state: 'open', sending: null });
});

test('what was silenced rings again when the level or the ladder has climbed, not when it only counts', () => {
  const before = ringKey(alarm('a', { prio: 2 }));
  expect(ringKey(alarm('a', { prio: 2, count: 9, rev: 12 }))).toBe(before);
  expect(ringKey(alarm('a', { prio: 1 }))).not.toBe(before);
  expect(ringKey(alarm('a', { prio: 2, esc: { step: 1, next_at: null } }))).not.toBe(before);
});
