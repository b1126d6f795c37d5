import { beforeEach, expect, test } from 'vitest';
import { Client } from './client';
import { FakeClock, FakeDial, FakeHttp, FakeStore, alarm, session, settle } from './fakes';
import type { Presence } from './ports';
import { PRESENTED_MS } from './presented';

let clock: FakeClock;
let net: FakeDial;
let http: FakeHttp;
let store: FakeStore;
let presence: Presence;
let refused: string[];
let client: Client;

beforeEach(() => {
  clock = new FakeClock();
  net = new FakeDial();
  http = new FakeHttp();
  store = new FakeStore();
  presence = { vis: 'visible', audio: true, locale: 'zh-CN', push: 'ok' };
  refused = [];
  client = newClient();
});

/** The page, opened anew on the same device. */
function newClient(): Client {
  return new Client({
    clock,
    dial: net.dial,
    http,
    store,
    version: '0.1.0',
    presence: () => presence,
    sounding: () => false,
    events: { changed: () => undefined, settled: (_, refusal) => refusal && refused.push(refusal.code) },
  });
}

const welcome = (change: object = {}) => ({
  t: 'welcome',
  history: 'h1',
  head: 0,
  now: new Date(clock.now()).toISOString(),
  resume: 'delta',
  ...change,
});
const synced = (seq: number, history = 'h1') => ({ t: 'synced', seq, history });
const ids = () => client.view.alarms.map((a) => a.id).sort();

/** Opens, says hello and is welcomed. */
async function welcomed(change: object = {}): Promise<void> {
  await client.start();
  await settle();
  net.last.handlers.onOpen();
  net.say(welcome(change));
}

async function live(seq = 0): Promise<void> {
  await welcomed();
  net.say(synced(seq));
  await settle();
}

test('the first visit: hello without a cursor, replay, stored receipts during it, synced', async () => {
  await welcomed();
  expect(net.took()).toEqual([
    { t: 'hello', dev: 'd_7f', app: '0.1.0', cursor: 0, history: '', vis: 'visible', push: 'ok', audio: true, locale: 'zh-CN' },
  ]);
  net.say({ t: 'alarm', seq: 42, replay: true, a: alarm('a', { rev: 3 }) });
  await settle();
  expect(net.took()).toEqual([{ t: 'got', id: 'a', rev: 3, as: 'stored' }]);
  expect(client.view.synced_at).toBeNull();
  net.say(synced(44));
  await settle();
  expect(client.view).toMatchObject({ phase: 'live', synced_at: clock.now() });
  expect(store.cursor).toBe(44);
});

test('no stored receipt before the write is complete', async () => {
  await live();
  net.took();
  store.hold = true;
  net.say({ t: 'alarm', seq: 1, a: alarm('a') });
  await clock.pass(3_000);
  expect(net.took()).toEqual([]);
  await store.finish();
  expect(net.took()).toEqual([{ t: 'got', id: 'a', rev: 1, as: 'stored' }]);
});

test('the next visit shows the kept list before any connection and resumes from its cursor', async () => {
  await live(7);
  net.say({ t: 'alarm', seq: 8, a: alarm('a') });
  await settle();
  client = newClient();
  http.sessionAnswer = { kind: 'unreachable' };
  await client.start();
  expect([ids(), client.view.loaded, client.view.session?.officer.id]).toEqual([['a'], true, 'o_wu']);
  http.sessionAnswer = { kind: 'ok', session: session('o_wu'), now_ms: null };
  await clock.pass(1_000);
  net.last.handlers.onOpen();
  expect(net.took()).toMatchObject([{ t: 'hello', cursor: 8, history: 'h1' }]);
});

test('the list is never blank while a full replay replaces it', async () => {
  await live(7);
  net.say({ t: 'alarm', seq: 8, a: alarm('a') });
  net.last.handlers.onClose(1006);
  await clock.pass(1_000);
  net.last.handlers.onOpen();
  net.say(welcome({ history: 'h2', resume: 'full' }));
  expect([client.view.phase, ids()]).toEqual(['syncing', ['a']]);
  net.say({ t: 'alarm', seq: 1, replay: true, a: alarm('b') });
  expect(ids()).toEqual(['a', 'b']);
  net.say(synced(1, 'h2'));
  expect(ids()).toEqual(['b']);
});

test('a gap asks for a resync from the stored cursor, and its replay closes it', async () => {
  await live(10);
  net.took();
  net.say({ t: 'alarm', seq: 12, a: alarm('b') });
  net.say({ t: 'alarm', seq: 13, a: alarm('c') });
  await settle();
  expect(net.took().filter((m) => m.t !== 'got')).toEqual([{ t: 'resync', cursor: 10 }]);
  net.say({ t: 'alarm', seq: 11, replay: true, a: alarm('a') });
  net.say(synced(13));
  await settle();
  expect([ids(), client.view.phase, store.cursor]).toEqual([['a', 'b', 'c'], 'live', 13]);
});

test('a gateway that dropped our queue replays what was lost, and the stream goes on behind it', async () => {
  await live(10);
  net.say({ t: 'resync', why: 'slow' });
  expect(client.view.phase).toBe('syncing');
  net.took();
  net.say({ t: 'alarm', seq: 90, replay: true, a: alarm('a') });
  net.say({ t: 'alarm', seq: 91, a: alarm('b') });
  net.say(synced(90));
  net.say({ t: 'alarm', seq: 92, a: alarm('c') });
  await settle();
  expect([client.view.phase, ids(), store.cursor]).toEqual(['live', ['a', 'b', 'c'], 92]);
  expect(net.took().map((m) => m.t)).toEqual(['got', 'got', 'got']);
});

test('what somebody has accepted or finished is stored without a receipt', async () => {
  await live();
  net.took();
  net.say({ t: 'alarm', seq: 1, a: alarm('a', { state: 'accepted' }) });
  net.say({ t: 'alarm', seq: 2, a: alarm('b', { state: 'closed', closed_at: new Date(clock.now()).toISOString() }) });
  await settle();
  expect([net.took(), store.alarms.size]).toEqual([[], 2]);
});

test('another officer on this device finds nothing of the one before', async () => {
  await live(7);
  net.say({ t: 'alarm', seq: 8, a: alarm('a') });
  await settle();
  client.command('note', alarm('a'), { text: 'private' });
  net.last.handlers.onClose(1006);
  client.showing('a', 1);
  await clock.pass(PRESENTED_MS);
  http.sessionAnswer = { kind: 'ok', session: session('o_li', 'd_80'), now_ms: null };
  client.reconnect();
  await settle();
  expect([ids(), client.view.pending, store.alarms.size, store.pending.size, store.cursor]).toEqual([[], [], 0, 0, 0]);
  net.last.handlers.onOpen();
  net.say(welcome());
  net.say(synced(0));
  expect(net.took()).toMatchObject([{ t: 'hello', dev: 'd_80', cursor: 0, history: '' }]);
});

test('a revoked session takes the alarms off the device; unsent commands wait for the same officer', async () => {
  await live(7);
  net.say({ t: 'alarm', seq: 8, a: alarm('a') });
  await settle();
  client.command('accept', alarm('a'));
  http.sessionAnswer = { kind: 'none' };
  net.last.handlers.onClose(4401);
  await clock.pass(1_000);
  expect([client.view.phase, ids(), store.alarms.size, store.pending.size]).toEqual(['signed_out', [], 0, 1]);
});

test('logging out erases everything', async () => {
  await live(7);
  net.say({ t: 'alarm', seq: 8, a: alarm('a') });
  client.command('accept', alarm('a'));
  await settle();
  await client.signOut();
  expect([client.view.phase, client.view.session, ids()]).toEqual(['signed_out', null, []]);
  expect([store.session, store.alarms.size, store.pending.size]).toEqual([null, 0, 0]);
});

test('an accept made offline survives a reload and is sent once connected, with its own cid and time', async () => {
  await live(7);
  net.last.handlers.onClose(1006);
  http.sessionAnswer = { kind: 'unreachable' };
  const accept = client.command('accept', alarm('a'));
  await settle();
  client = newClient();
  await client.start();
  expect(client.view.pending.map((p) => p.command)).toEqual([accept]);
  http.sessionAnswer = { kind: 'ok', session: session('o_wu'), now_ms: null };
  await clock.pass(30_000);
  net.last.handlers.onOpen();
  net.say(welcome());
  net.say(synced(7));
  await settle();
  expect(net.took().filter((m) => m.t === 'cmd')).toEqual([{ t: 'cmd', ...accept }]);
  net.say({ t: 'ok', cid: accept.cid, id: 'a', rev: 2 });
  await settle();
  expect([client.view.pending, store.pending.size]).toEqual([[], 0]);
});

test('undo follows an acceptance that has left, about the revision that is now known', async () => {
  await live(7);
  net.say({ t: 'alarm', seq: 8, a: alarm('a') });
  const accept = client.command('accept', alarm('a'));
  net.say({ t: 'ok', cid: accept.cid, id: 'a', rev: 2 });
  net.say({ t: 'alarm', seq: 9, a: alarm('a', { rev: 2, state: 'accepted' }) });
  net.took();
  client.undo(accept);
  expect(net.took().filter((m) => m.t === 'cmd')).toMatchObject([{ op: 'undo', id: 'a', rev: 2 }]);
});

test('a refusal reaches the screen', async () => {
  await live(7);
  const accept = client.command('accept', alarm('a'));
  net.say({ t: 'err', cid: accept.cid, code: 'taken', by: { id: 'o_8', name: '王师傅' }, rev: 4 });
  expect([refused, client.view.pending]).toEqual([['taken'], []]);
});

test('what was seen while the connection was down is reported once it is back', async () => {
  await live(7);
  net.say({ t: 'alarm', seq: 8, a: alarm('a') });
  await settle();
  net.last.handlers.onClose(1006);
  client.showing('a', 1);
  await clock.pass(PRESENTED_MS);
  net.last.handlers.onOpen();
  net.say(welcome());
  net.say(synced(8));
  expect(net.took().filter((m) => m.t === 'got')).toEqual([{ t: 'got', id: 'a', rev: 1, as: 'presented', how: ['screen'] }]);
});

test('times are the gateway’s, whatever this phone’s clock says', async () => {
  await welcomed({ now: new Date(clock.now() - 3_600_000).toISOString() });
  expect(client.now()).toBe(clock.now() - 3_600_000);
  expect(client.command('accept', alarm('a')).at).toBe(new Date(clock.now() - 3_600_000).toISOString());
});

test('a phone that cannot store still shows and commands, and gives no stored receipt', async () => {
  store.broken = true;
  await live(7);
  net.took();
  net.say({ t: 'alarm', seq: 8, a: alarm('a') });
  await settle();
  expect([ids(), client.view.storage_works, net.took()]).toEqual([['a'], false, []]);
});

test('the view says since when nothing comes, until the replay begins', async () => {
  const start_ms = clock.now();
  expect(client.view.down_since).toBe(start_ms);
  await live(7);
  expect(client.view.down_since).toBeNull();
  await clock.pass(60);
  net.last.handlers.onClose(1006);
  await clock.pass(5_000);
  expect(client.view.down_since).toBe(start_ms + 60);
  net.last.handlers.onOpen();
  net.say(welcome());
  expect(client.view).toMatchObject({ phase: 'syncing', down_since: null });
});

test('information keeps the latest value of each key', async () => {
  await live();
  net.say({ t: 'info', key: 'duty', v: { reachable: 1, on: 4 } });
  net.say({ t: 'info', key: 'duty', v: { reachable: 3, on: 4 } });
  expect(client.view.info).toEqual({ duty: { reachable: 3, on: 4 } });
});
