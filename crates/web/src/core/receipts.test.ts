import { beforeEach, expect, test } from 'vitest';
import { FakeClock } from './fakes';
import type { Owed } from './ports';
import { BURST, PACE_MS, Receipts } from './receipts';

let clock: FakeClock;
let receipts: Receipts;
let sent: string[];

beforeEach(() => {
  clock = new FakeClock();
  sent = [];
  receipts = new Receipts(clock, ({ as, id, rev }: Owed) => void sent.push(`${as} ${id}@${rev}`));
});

const owe = (id: string, rev = 1, as: Owed['as'] = 'stored') => receipts.owe({ id, rev, as });

test('a receipt goes out at once on a connection', () => {
  receipts.connected(true);
  owe('a');
  expect(sent).toEqual(['stored a@1']);
});

test('without a connection the newest of each kind waits', () => {
  owe('a', 1);
  owe('a', 2);
  owe('a', 1, 'presented');
  receipts.connected(true);
  expect(sent).toEqual(['stored a@2', 'presented a@1']);
  receipts.connected(true);
  expect(sent.length).toBe(2);
});

test('a storm goes out at a pace, none is lost, and the allowance comes back', async () => {
  receipts.connected(true);
  for (let n = 0; n < BURST + 10; n += 1) owe(`a${n}`);
  expect(sent.length).toBe(BURST);
  await clock.pass(PACE_MS);
  expect(sent.length).toBe(BURST + 1);
  await clock.pass(9 * PACE_MS);
  expect(sent.length).toBe(BURST + 10);
  await clock.pass(BURST * PACE_MS);
  for (let n = 0; n < BURST; n += 1) owe(`b${n}`);
  expect(sent.length).toBe(2 * BURST + 10);
});

test('what waits when the connection goes is sent on the next one', async () => {
  receipts.connected(true);
  for (let n = 0; n <= BURST; n += 1) owe(`a${n}`);
  receipts.connected(false);
  await clock.pass(60_000);
  expect(sent.length).toBe(BURST);
  receipts.connected(true);
  expect(sent.length).toBe(BURST + 1);
});

test('another officer’s receipts are not sent', () => {
  owe('a');
  receipts.clear();
  receipts.connected(true);
  expect(sent).toEqual([]);
});
