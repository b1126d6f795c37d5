import { expect, test } from 'vitest';
import { fromField, toEntries, toField, toHomes } from './register';

test('permits and windows come as one list, what ends first first, and only a window can be ended', () => {
  const by = { id: 'he', name: '何经理' };
  const read = toEntries({
    permits: [{ device: null, zone: 'zone/3', from: 'a', until: '2026-03-03T00:00:00Z', crew: [by, 7], by }],
    windows: [{ id: 'w1', how: 'shelved', device: 'cover-17', until: '2026-03-02T00:00:00Z', reason: '松动', by }],
  });
  expect(read.map(({ how, id, device, zone }) => [how, id, device, zone])).toEqual([
    ['shelved', 'w1', 'cover-17', null],
    ['permit', null, null, 'zone/3'],
  ]);
  expect(read[1]?.crew).toEqual([by]);
  expect(toEntries(null)).toEqual([]);
});

test('whoever is away comes first, and homes in the order of their numbers', () => {
  const read = toHomes([
    { home: '3/1/1203', status: 'home' },
    { home: '3/1/302', status: 'home', visitor: { from: 'a', until: 'b' } },
    { home: '3/1/204', status: 'hospital', absence: { from: 'a', until: null } },
    { home: '3/1/101' },
  ]);
  expect(read.map(({ home }) => home)).toEqual(['3/1/204', '3/1/302', '3/1/101', '3/1/1203']);
  expect(read[0]?.absence).toEqual({ from: 'a', until: null });
  expect(toHomes({ code: 'pin_needed' })).toEqual([]);
});

test('a time goes into a form and comes out of it the same, to the minute', () => {
  const at = Date.parse('2026-03-02T13:04:00Z');
  expect(fromField(toField(at))).toBe('2026-03-02T13:04:00.000Z');
  expect(fromField('')).toBeNull();
  expect(fromField('soon')).toBeNull();
});
