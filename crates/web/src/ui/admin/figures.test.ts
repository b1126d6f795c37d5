import { expect, test } from 'vitest';
import { extreme, falseRate, latest, rows, short, toFigures } from './figures';

const body = { span: 'hour', since: 's', now: 'n', at: [0, 15, 30], columns: { a: [null, 1, 2] }, silent: [], chatty: [], chatty_over_s: 30 };

test('an answer whose columns do not fit its moments is none', () => {
  expect(toFigures(body)?.columns.a).toEqual([null, 1, 2]);
  expect(toFigures({ ...body, columns: { a: [1] } })).toBeNull();
  expect(toFigures({ ...body, at: ['x', 1, 2] })).toBeNull();
  expect(toFigures({ code: 'forbidden' })).toBeNull();
});

test('what is said to be now is recent, and never a value of half an hour ago', () => {
  expect(latest([1, 2, null])).toBeNull();
  expect(latest([...Array(18).fill(1), 7, null])).toBe(7);
  expect(latest([...Array(10).fill(1), ...Array(10).fill(null)])).toBeNull();
  expect(latest([])).toBeNull();
});

test('the table has twelve rows at most, the latest first, with the extreme of each part', () => {
  const at = Array.from({ length: 241 }, (_, i) => 1000 + 15 * i);
  const rising = at.map((_, i) => i);
  const most = rows(at, [rising, rising.map(() => null)], 'most');
  expect(most).toHaveLength(12);
  expect(most[0]).toEqual({ from: 1000 + 11 * 300, values: [240, null] });
  expect(most[11]).toEqual({ from: 1000, values: [19, null] });
  expect(rows(at, [rising], 'least')[11]?.values).toEqual([0]);
  expect(rows([], [], 'most')).toEqual([]);
  expect(rows([5], [[3]], 'most')).toEqual([{ from: 5, values: [3] }]);
});

test('nothing is the extreme of nothing', () => {
  expect(extreme([null, null], 'most')).toBeNull();
  expect(extreme([null, 0, 3], 'least')).toBe(0);
});

test('numbers are short', () => {
  expect([0, 0.123, 1, 12.34, 123.4, 1234.5].map(short)).toEqual(['0', '0.12', '1', '12.3', '123', '1235']);
});

test('the false rate is of what was judged, and none when nothing was', () => {
  expect(falseRate({ judged: [0, 8], judged_false: [0, 2] })).toEqual({ pct: 25, count: 8, false_count: 2 });
  expect(falseRate({ judged: [0, 0], judged_false: [0, 0] })).toBeNull();
  expect(falseRate({})).toBeNull();
});
