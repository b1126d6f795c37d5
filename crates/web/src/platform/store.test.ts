import 'fake-indexeddb/auto';
import { beforeEach, expect, test } from 'vitest';
import { alarm, session } from '../core/fakes';
import { IdbStore } from './store';

let store: IdbStore;
let n = 0;

beforeEach(() => {
  n += 1;
  store = new IdbStore(`wanglou-test-${n}`);
});

const COMMAND = { cid: 'c1', op: 'accept', id: 'a', rev: 1, at: '2026-03-02T21:00:00Z' };

test('an empty device has nothing', async () => {
  expect(await store.load()).toEqual({ session: null, cursor: 0, history: null, synced_at: null, alarms: [], pending: [] });
});

test('a change is kept whole and read back by the next visit', async () => {
  await store.signIn(session('o_wu'));
  await store.apply({ put: [alarm('a'), alarm('b')], remove: [], cursor: 7, history: 'h1', synced_at: 9 });
  await store.apply({ put: [alarm('a', { rev: 2 })], remove: ['b'] });
  await store.putPending({ command: COMMAND, tries: 1 });
  const next = new IdbStore(`wanglou-test-${n}`);
  expect(await next.load()).toEqual({
    session: session('o_wu'),
    cursor: 7,
    history: 'h1',
    synced_at: 9,
    alarms: [alarm('a', { rev: 2 })],
    pending: [{ command: COMMAND, tries: 1 }],
  });
});

test('the same officer signing in again keeps everything; another one, or another device, nothing', async () => {
  await store.signIn(session('o_wu'));
  await store.apply({ put: [alarm('a')], remove: [], cursor: 7 });
  await store.putPending({ command: COMMAND, tries: 1 });
  await store.signIn(session('o_wu'));
  expect(await store.load()).toMatchObject({ cursor: 7, alarms: [{ id: 'a' }], pending: [{ tries: 1 }] });
  await store.signIn(session('o_wu', 'd_other'));
  expect(await store.load()).toMatchObject({ session: { dev: 'd_other' }, cursor: 0, alarms: [], pending: [] });
});

test('erasing alarms keeps who was logged in and what is unsent', async () => {
  await store.signIn(session('o_wu'));
  await store.apply({ put: [alarm('a')], remove: [], cursor: 7, history: 'h1' });
  await store.putPending({ command: COMMAND, tries: 0 });
  await store.eraseAlarms();
  expect(await store.load()).toMatchObject({
    session: { officer: { id: 'o_wu' } },
    cursor: 0,
    history: null,
    alarms: [],
    pending: [{ tries: 0 }],
  });
});

test('a wipe leaves nothing', async () => {
  await store.signIn(session('o_wu'));
  await store.apply({ put: [alarm('a')], remove: [], cursor: 7 });
  await store.putPending({ command: COMMAND, tries: 0 });
  await store.wipe();
  expect(await store.load()).toMatchObject({ session: null, cursor: 0, alarms: [], pending: [] });
});

test('an answered command is gone', async () => {
  await store.putPending({ command: COMMAND, tries: 0 });
  await store.removePending('c1');
  expect((await store.load()).pending).toEqual([]);
});
