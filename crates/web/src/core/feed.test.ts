import { beforeEach, expect, test } from 'vitest';
import { FakeStore, alarm, settle } from './fakes';
import { Feed, KEPT_MS } from './feed';

const NOW = Date.parse('2026-03-02T21:00:00Z');

let store: FakeStore;
let feed: Feed;
let stored: string[];
let gaps: number;
let works: boolean[];

beforeEach(() => {
  store = new FakeStore();
  stored = [];
  gaps = 0;
  works = [];
  feed = new Feed(store, {
    changed: () => undefined,
    stored: (id, rev) => void stored.push(`${id}@${rev}`),
    gap: () => {
      gaps += 1;
    },
    storage: (w) => void works.push(w),
  });
});

/** A connection whose replay brings nothing and ends at `seq`. */
async function live(seq: number): Promise<void> {
  feed.beginSync(false, 'h1');
  feed.onSynced(seq, 'h1', NOW);
  await settle();
}

const ids = () => feed.all.map((a) => a.id).sort();

test('the cursor does not move during a replay, only at synced', async () => {
  feed.beginSync(false, 'h1');
  feed.onAlarm(alarm('a'), 41, true);
  feed.onAlarm(alarm('b'), 44, true);
  await settle();
  expect([feed.cursor, store.cursor]).toEqual([0, 0]);
  feed.onSynced(44, 'h1', NOW);
  await settle();
  expect([feed.cursor, store.cursor, store.history, store.synced_at]).toEqual([44, 44, 'h1', NOW]);
});

test('a replay that is cut off leaves the cursor where it was', async () => {
  await live(10);
  feed.beginSync(false, 'h1');
  feed.onAlarm(alarm('b'), 44, true);
  await settle();
  feed.disconnect();
  expect([feed.cursor, store.cursor, ids()]).toEqual([10, 10, ['b']]);
});

test('the cursor follows live numbers only when their write is complete', async () => {
  await live(10);
  store.hold = true;
  feed.onAlarm(alarm('a'), 11, false);
  await settle();
  expect([feed.cursor, stored]).toEqual([10, []]);
  await store.finish();
  expect([feed.cursor, store.cursor, stored]).toEqual([11, 11, ['a@1']]);
});

test('the cursor in the store never passes an alarm that is not in the store', async () => {
  await live(10);
  store.hold = true;
  feed.onAlarm(alarm('a'), 11, false);
  feed.onAlarm(alarm('b'), 12, false);
  feed.onAlarm(alarm('c'), 13, false);
  await store.finish();
  expect([feed.cursor, store.cursor, [...store.alarms.keys()]]).toEqual([11, 11, ['a']]);
  await store.finish();
  expect([store.cursor, [...store.alarms.keys()]]).toEqual([13, ['a', 'b', 'c']]);
});

test('an alarm that left the scope leaves list and disk, live and in a replay, and its number counts', async () => {
  await live(10);
  feed.onAlarm(alarm('a'), 11, false);
  feed.onAlarm(alarm('b'), 12, false);
  await settle();
  feed.onGone('a', 13, false);
  await settle();
  expect([ids(), [...store.alarms.keys()], feed.cursor, gaps]).toEqual([['b'], ['b'], 13, 0]);
  feed.beginSync(false, 'h1');
  feed.onGone('b', 14, true);
  feed.onSynced(15, 'h1', NOW);
  await settle();
  expect([ids(), [...store.alarms.keys()], feed.cursor, gaps]).toEqual([[], [], 15, 0]);
  // Forgotten by the gateway together with its alarm: no number of its own.
  feed.onAlarm(alarm('c'), 16, false);
  feed.onGone('c', null, false);
  await settle();
  expect([ids(), feed.cursor, gaps]).toEqual([[], 16, 0]);
});

test('a burst is written in few transactions and each revision that was written last is receipted', async () => {
  await live(0);
  const before = store.writes;
  store.hold = true;
  for (let n = 1; n <= 500; n += 1) feed.onAlarm(alarm('a', { rev: n }), n, false);
  await store.finish();
  await store.finish();
  expect([store.writes - before, stored, feed.cursor]).toEqual([2, ['a@500'], 500]);
});

test('a skipped live number is a gap, reported once, and does not move the cursor', async () => {
  await live(10);
  feed.onAlarm(alarm('a'), 12, false);
  await settle();
  expect([gaps, feed.cursor, ids()]).toEqual([1, 10, ['a']]);
});

test('a live number seen before changes nothing', async () => {
  await live(10);
  feed.onAlarm(alarm('a'), 9, false);
  await settle();
  expect([gaps, feed.cursor]).toEqual([0, 10]);
});

test('live alarms that overtake synced count once it comes', async () => {
  feed.beginSync(false, 'h1');
  feed.onAlarm(alarm('b'), 46, false);
  feed.onAlarm(alarm('a'), 45, false);
  feed.onSynced(44, 'h1', NOW);
  await settle();
  expect([gaps, feed.cursor]).toEqual([0, 46]);
});

test('a live alarm that overtakes synced with a number missing is a gap after it', async () => {
  feed.beginSync(false, 'h1');
  feed.onAlarm(alarm('b'), 46, false);
  feed.onSynced(44, 'h1', NOW);
  await settle();
  expect([gaps, feed.cursor]).toEqual([1, 44]);
});

test('an older or equal revision is not taken, and its receipt is repeated', async () => {
  await live(0);
  feed.onAlarm(alarm('a', { rev: 3, count: 3 }), 1, false);
  await settle();
  feed.onAlarm(alarm('a', { rev: 2, count: 2 }), 2, false);
  feed.onAlarm(alarm('a', { rev: 3, count: 9 }), 3, false);
  await settle();
  expect([feed.get('a')?.count, stored, feed.cursor]).toEqual([3, ['a@3', 'a@3', 'a@3'], 3]);
});

test('a repeated alarm whose first write is not complete is not receipted early', async () => {
  await live(0);
  store.hold = true;
  feed.onAlarm(alarm('a'), 1, false);
  feed.onAlarm(alarm('a'), null, false);
  await settle();
  expect(stored).toEqual([]);
  await store.finish();
  expect(stored).toEqual(['a@1']);
});

test('a full replay forgets what it does not mention, but only at synced', async () => {
  await live(5);
  feed.onAlarm(alarm('old'), 6, false);
  await settle();
  feed.beginSync(true, 'h1');
  feed.onAlarm(alarm('new'), 90, true);
  expect(ids()).toEqual(['new', 'old']);
  feed.onSynced(90, 'h1', NOW);
  await settle();
  expect([ids(), [...store.alarms.keys()]]).toEqual([['new'], ['new']]);
});

test('after a restore of the gateway its lower revisions replace ours', async () => {
  await live(50);
  feed.onAlarm(alarm('a', { rev: 9, state: 'accepted' }), 51, false);
  await settle();
  feed.beginSync(true, 'h2');
  feed.onAlarm(alarm('a', { rev: 4, state: 'open' }), 20, true);
  feed.onSynced(20, 'h2', NOW);
  await settle();
  expect([feed.get('a')?.rev, store.alarms.get('a')?.rev, feed.cursor, feed.history]).toEqual([4, 4, 20, 'h2']);
});

test('within a full replay the newer revision still wins', () => {
  feed.beginSync(true, 'h1');
  feed.onAlarm(alarm('a', { rev: 5 }), 7, true);
  feed.onAlarm(alarm('a', { rev: 4 }), 6, true);
  expect(feed.get('a')?.rev).toBe(5);
});

test('a delta replay forgets nothing', async () => {
  await live(5);
  feed.onAlarm(alarm('old'), 6, false);
  await live(6);
  expect(ids()).toEqual(['old']);
});

test('what ended more than a day ago is forgotten at synced; what is open is kept however old', async () => {
  const closed = (ago_ms: number) => ({ state: 'closed', closed_at: new Date(NOW - ago_ms).toISOString() });
  feed.beginSync(false, 'h1');
  feed.onAlarm(alarm('fresh', closed(KEPT_MS)), 1, true);
  feed.onAlarm(alarm('stale', closed(KEPT_MS + 1)), 2, true);
  feed.onAlarm(alarm('ancient', { raised_at: '2020-01-01T00:00:00Z', last_at: '2020-01-01T00:00:00Z' }), 3, true);
  feed.onSynced(3, 'h1', NOW);
  await settle();
  expect([ids(), [...store.alarms.keys()].sort()]).toEqual([
    ['ancient', 'fresh'],
    ['ancient', 'fresh'],
  ]);
});

test('a disk that fails gives no receipt and holds the cursor; the next change writes all of it', async () => {
  await live(5);
  store.broken = true;
  feed.onAlarm(alarm('a'), 6, false);
  await settle();
  expect([stored, feed.cursor, ids(), works.at(-1)]).toEqual([[], 5, ['a'], false]);
  store.broken = false;
  feed.onAlarm(alarm('b'), 7, false);
  await settle();
  expect([stored, store.cursor, store.alarms.size, works.at(-1)]).toEqual([['a@1', 'b@1'], 7, 2, true]);
});

test('a cursor whose write failed is written with the next change, whatever that is', async () => {
  await live(5);
  store.broken = true;
  feed.onAlarm(alarm('a'), 6, false);
  await settle();
  store.broken = false;
  feed.onAlarm(alarm('b'), null, false);
  await settle();
  expect([feed.cursor, store.cursor]).toEqual([6, 6]);
});

test('after a write that failed the newer revision is written, not the older', async () => {
  await live(5);
  store.hold = true;
  feed.onAlarm(alarm('a', { rev: 1 }), 6, false);
  feed.onAlarm(alarm('a', { rev: 2 }), 7, false);
  feed.onGone('b', null, false);
  store.broken = true;
  await store.finish();
  store.broken = false;
  feed.onAlarm(alarm('c'), 8, false);
  await store.finish();
  expect([store.alarms.get('a')?.rev, store.cursor, stored]).toEqual([2, 8, ['a@2', 'c@1']]);
});

test('another history replaces ours even when the gateway calls it a delta', async () => {
  await live(50);
  feed.onAlarm(alarm('a', { rev: 9 }), 51, false);
  await settle();
  feed.beginSync(false, 'h2');
  feed.onAlarm(alarm('b', { rev: 1 }), 20, true);
  feed.onSynced(20, 'h2', NOW);
  expect(ids()).toEqual(['b']);
});

test('a revision that replaces a higher one is not receipted by the higher one’s write', async () => {
  await live(50);
  feed.onAlarm(alarm('a', { rev: 9 }), 51, false);
  await settle();
  store.hold = true;
  feed.beginSync(true, 'h2');
  feed.onAlarm(alarm('a', { rev: 4 }), 20, true);
  feed.onAlarm(alarm('a', { rev: 4 }), 20, true);
  await settle();
  expect(stored).toEqual(['a@9']);
});

test('what an earlier visit left is shown at once and counts as stored', async () => {
  store.alarms.set('a', alarm('a', { rev: 3 }));
  store.cursor = 12;
  store.history = 'h1';
  feed.restore(await store.load());
  expect([ids(), feed.cursor, feed.history]).toEqual([['a'], 12, 'h1']);
  feed.beginSync(false, 'h1');
  feed.onAlarm(alarm('a', { rev: 3 }), 12, true);
  expect(stored).toEqual(['a@3']);
});
