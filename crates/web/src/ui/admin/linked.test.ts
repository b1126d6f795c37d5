import { expect, test } from 'vitest';
import { readLinked } from './linked';

test('the latest link comes first, and a row without an id cannot be revoked', () => {
  const row = (id: unknown, since: string) => ({ id, officer: 'wu', phone: 'd1', name: '门岗', since });
  const read = readLinked([row('a', '2026-01-01T00:00:00Z'), row('b', '2026-02-01T00:00:00Z'), row(7, ''), null, 'x']);
  expect(read.map(({ id }) => id)).toEqual(['b', 'a']);
  expect(readLinked({ code: 'forbidden' })).toEqual([]);
});
