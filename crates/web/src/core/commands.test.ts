import { beforeEach, expect, test } from 'vitest';
import { ANSWER_MS, Commands } from './commands';
import { FakeClock, FakeHttp, FakeStore, settle } from './fakes';
import type { Command, Refusal } from './wire';

let clock: FakeClock;
let http: FakeHttp;
let store: FakeStore;
let commands: Commands;
let socket_live: boolean;
let sent: string[];
let settled: [string, string | null][];
let no_session: number;

beforeEach(() => {
  clock = new FakeClock();
  http = new FakeHttp();
  store = new FakeStore();
  socket_live = true;
  sent = [];
  settled = [];
  no_session = 0;
  commands = new Commands(clock, store, http, {
    send: (c) => socket_live && sent.push(c.cid) > 0,
    changed: () => undefined,
    settled: (c, refusal) => void settled.push([c.cid, refusal?.code ?? null]),
    noSession: () => {
      no_session += 1;
    },
  });
});

const command = (cid: string, id = 'al_1', op = 'accept'): Command => ({ cid, op, id, rev: 1, at: '2026-03-02T21:00:00Z' });
const refusal = (cid: string, code: string): Refusal => ({ cid, code, by: null, rev: null, text: null });
const kept = () => [...store.pending.keys()];

test('on a live socket a command goes out at once, is kept, and leaves when answered', async () => {
  commands.add(command('c1'));
  expect([sent, kept()]).toEqual([['c1'], ['c1']]);
  commands.onOk('c1');
  await settle();
  expect([settled, kept(), commands.pending]).toEqual([[['c1', null]], [], []]);
});

test('a refusal ends the command and is told', () => {
  commands.add(command('c1'));
  commands.onErr(refusal('c1', 'taken'));
  expect([settled, commands.pending]).toEqual([[['c1', 'taken']], []]);
});

test('an answer that does not come over the socket is asked for over HTTP, with the same cid', async () => {
  commands.add(command('c1'));
  await clock.pass(ANSWER_MS - 1);
  expect(http.posted).toEqual([]);
  http.commandAnswer = (c) => ({ kind: 'answered', message: { t: 'ok', cid: c.cid, id: c.id, rev: 2 } });
  await clock.pass(1);
  expect([http.posted.map((c) => c.cid), settled]).toEqual([['c1'], [['c1', null]]]);
});

test('without a socket it goes over HTTP at once', async () => {
  socket_live = false;
  http.commandAnswer = (c) => ({ kind: 'answered', message: { t: 'err', ...refusal(c.cid, 'gone') } });
  commands.add(command('c1'));
  await settle();
  expect([http.posted.length, settled]).toEqual([1, [['c1', 'gone']]]);
});

test('offline it stays, is tried again with growing waits, and goes out when the socket is live', async () => {
  socket_live = false;
  commands.add(command('c1'));
  await clock.pass(60_000);
  expect(http.posted.length).toBeGreaterThan(2);
  expect(http.posted.length).toBeLessThan(20);
  expect(kept()).toEqual(['c1']);
  socket_live = true;
  commands.live();
  expect(sent).toEqual(['c1']);
});

test('commands about one alarm wait for each other, other alarms do not', () => {
  commands.add(command('c1', 'al_1', 'accept'));
  commands.add(command('c2', 'al_1', 'arrive'));
  commands.add(command('c3', 'al_2', 'accept'));
  expect([sent, kept()]).toEqual([
    ['c1', 'c3'],
    ['c1', 'c2', 'c3'],
  ]);
  commands.onOk('c1');
  expect(sent).toEqual(['c1', 'c3', 'c2']);
});

test('after a reload they go out in the order of the taps', async () => {
  commands.restore([
    { command: command('b', 'al_1', 'arrive'), tries: 0 },
    { command: command('a', 'al_1', 'accept'), tries: 3 },
  ]);
  commands.live();
  commands.onOk('a');
  expect(sent).toEqual(['a', 'b']);
});

test('everything unanswered goes out again on a new connection, once each', () => {
  commands.add(command('c1'));
  commands.live();
  expect(sent).toEqual(['c1', 'c1']);
  commands.onOk('c1');
  commands.onOk('c1');
  expect(settled).toEqual([['c1', null]]);
});

test('one that never left the phone can be taken back, one that may have left cannot', () => {
  commands.restore([{ command: command('a'), tries: 0 }]);
  expect([commands.withdraw('a'), commands.pending]).toEqual([true, []]);
  commands.add(command('b'));
  expect([commands.withdraw('b'), commands.pending.length]).toEqual([false, 1]);
});

test('"not now" is tried again later, not told, and never at once', async () => {
  clock.chance = 0;
  commands.add(command('c1'));
  commands.onErr(refusal('c1', 'slow_down'));
  await clock.pass(999);
  expect([settled, sent]).toEqual([[], ['c1']]);
  await clock.pass(20_000);
  expect(sent.length).toBeGreaterThan(1);
});

test('without a session nothing more goes out until the next log-in', async () => {
  socket_live = false;
  http.commandAnswer = () => ({ kind: 'no_session' });
  commands.add(command('c1', 'al_1'));
  commands.add(command('c2', 'al_2'));
  await clock.pass(3_600_000);
  commands.add(command('c3', 'al_3'));
  await clock.pass(3_600_000);
  expect(http.posted.map((c) => c.cid)).toEqual(['c1', 'c2']);
  expect(no_session).toBeGreaterThan(0);
  socket_live = true;
  commands.live();
  expect([sent, kept()]).toEqual([
    ['c1', 'c2', 'c3'],
    ['c1', 'c2', 'c3'],
  ]);
});

test('an HTTP answer after the socket has answered changes nothing', async () => {
  commands.add(command('c1'));
  let answer = (): void => undefined;
  http.command = () => new Promise((done) => (answer = () => done({ kind: 'unreachable' })));
  await clock.pass(ANSWER_MS);
  commands.onOk('c1');
  answer();
  await clock.pass(60_000);
  expect([settled, sent]).toEqual([[['c1', null]], ['c1']]);
});

test('pictures go before the report that names them, and stay handed in over a reload', async () => {
  http.photoAnswers = [{ kind: 'kept', sha256: 'one' }, { kind: 'unreachable' }];
  commands.add(command('c1', '', 'report'), [new Blob(['a']), new Blob(['bb'])]);
  await settle();
  expect([sent, http.photos.length]).toEqual([[], 2]);
  expect(store.pending.get('c1')).toMatchObject({ command: { photos: ['one'] }, tries: 0, attachments: [{ size: 2 }] });
  commands.restore([...store.pending.values()]);
  commands.live();
  await settle();
  expect(sent).toEqual(['c1']);
  expect(commands.pending[0]?.command.photos).toEqual(['one', 'sha-2']);
  expect(commands.pending[0]?.attachments).toBeUndefined();
});

test('a picture that is never taken does not hold the report back', async () => {
  http.photoAnswers = [{ kind: 'refused' }];
  commands.add(command('c1', '', 'report'), [new Blob(['not a picture'])]);
  await settle();
  expect(sent).toEqual(['c1']);
  expect(commands.pending[0]?.command.photos).toEqual([]);
});

test('a new connection does not hand the same picture in twice', async () => {
  commands.add(command('c1', '', 'report'), [new Blob(['a'])]);
  commands.live();
  await settle();
  expect(sent).toEqual(['c1']);
  expect(commands.pending[0]?.command.photos).toEqual(['sha-1']);
});
