import { expect, test } from 'vitest';
import { fit } from './photo';

test('a large picture keeps its proportions, a small one its size', () => {
  expect(fit(4000, 3000)).toEqual({ width: 1600, height: 1200 });
  expect(fit(3000, 4000)).toEqual({ width: 1200, height: 1600 });
  expect(fit(800, 600)).toEqual({ width: 800, height: 600 });
  expect(fit(100_000, 10)).toEqual({ width: 1600, height: 1 });
});
