import { beforeEach, expect, test } from 'vitest';
import { FakeClock } from './fakes';
import type { Owed } from './ports';
import { PRESENTED_MS, Presented } from './presented';

let clock: FakeClock;
let presented: Presented;
let reports: Owed[];

beforeEach(() => {
  clock = new FakeClock();
  reports = [];
  presented = new Presented(
    clock,
    (id) => id === 'loud',
    (owed) => void reports.push(owed),
  );
});

const seen = () => reports.map((r) => `${r.id}@${r.rev}`);

test('an alarm on the screen for a second was presented, once', async () => {
  presented.show('a', 3);
  await clock.pass(PRESENTED_MS - 1);
  expect(seen()).toEqual([]);
  await clock.pass(60_000);
  presented.show('a', 3);
  await clock.pass(60_000);
  expect(reports).toEqual([{ id: 'a', rev: 3, as: 'presented', how: ['screen'] }]);
});

test('one that was heard says so', async () => {
  presented.show('loud', 1);
  await clock.pass(PRESENTED_MS);
  expect(reports[0]?.how).toEqual(['screen', 'sound']);
});

test('one that was seen and comes to the screen again is not reported again', async () => {
  presented.show('a', 1);
  await clock.pass(PRESENTED_MS);
  presented.hide('a');
  presented.show('a', 1);
  await clock.pass(60_000);
  expect(seen()).toEqual(['a@1']);
});

test('a glance is not enough', async () => {
  presented.show('a', 1);
  await clock.pass(PRESENTED_MS - 1);
  presented.hide('a');
  await clock.pass(60_000);
  expect(seen()).toEqual([]);
});

test('time on a hidden page does not count', async () => {
  presented.show('a', 1);
  await clock.pass(PRESENTED_MS - 1);
  presented.page(false);
  await clock.pass(60_000);
  presented.show('b', 1);
  await clock.pass(60_000);
  expect(seen()).toEqual([]);
  presented.page(true);
  await clock.pass(PRESENTED_MS);
  expect(seen()).toEqual(['a@1', 'b@1']);
});

test('a new revision on the screen is presented again', async () => {
  presented.show('a', 1);
  await clock.pass(PRESENTED_MS);
  presented.show('a', 2);
  await clock.pass(PRESENTED_MS);
  expect(seen()).toEqual(['a@1', 'a@2']);
});
