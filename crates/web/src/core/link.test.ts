import { beforeEach, expect, test } from 'vitest';
import { FakeClock, FakeDial, FakeHttp, settle } from './fakes';
import { HIDDEN_MS, Link, type LinkPhase, OPEN_MS, SILENCE_MS, SYNC_MS } from './link';
import type { Inbound } from './wire';

let clock: FakeClock;
let net: FakeDial;
let http: FakeHttp;
let link: Link;
let phases: LinkPhase[];
let heard: Inbound['t'][];

beforeEach(() => {
  clock = new FakeClock();
  net = new FakeDial();
  http = new FakeHttp();
  phases = [];
  heard = [];
  link = new Link(clock, net.dial, http, {
    phase: (phase) => void phases.push(phase),
    session: async () => undefined,
    hello: () => ({ t: 'hello', dev: 'd', app: '0', cursor: 41, history: 'h', vis: 'visible', push: 'none', audio: false, locale: 'en' }),
    message: (message) => void heard.push(message.t),
    cursor: () => 44,
  });
});

const WELCOME = { t: 'welcome', history: 'h', head: 44, now: '2026-03-02T21:00:00Z', resume: 'delta' };

async function welcomed(): Promise<void> {
  link.start();
  await settle();
  net.last.handlers.onOpen();
  net.say(WELCOME);
}

async function live(): Promise<void> {
  await welcomed();
  net.say({ t: 'synced', seq: 44, history: 'h' });
}

test('the session is asked first, then the socket, then hello, then the replay', async () => {
  await live();
  expect(phases).toEqual(['checking', 'connecting', 'syncing', 'live']);
  expect(http.sessions_asked).toBe(1);
  expect(net.took()).toMatchObject([{ t: 'hello', cursor: 41, history: 'h' }]);
});

test('without a session no socket is opened', async () => {
  http.sessionAnswer = { kind: 'none' };
  link.start();
  await clock.pass(3_600_000);
  expect([phases, net.sockets.length]).toEqual([['checking', 'signed_out'], 0]);
});

test('an unreachable gateway is asked again and again, without an end', async () => {
  http.sessionAnswer = { kind: 'unreachable' };
  link.start();
  await clock.pass(3_600_000);
  // Half of at most 20 s between tries: about 360 in an hour.
  expect(http.sessions_asked).toBeGreaterThan(300);
  expect(link.current).toBe('waiting');
});

test('waits grow with each failure and start over after synced', async () => {
  clock.chance = 0.999;
  await live();
  const waits: number[] = [];
  for (let n = 0; n < 4; n += 1) {
    const from_ms = clock.now();
    const sockets = net.sockets.length;
    net.last.handlers.onClose(1006);
    while (net.sockets.length === sockets) await clock.pass(10);
    waits.push(Math.round((clock.now() - from_ms) / 100) / 10);
  }
  expect(waits).toEqual([0.5, 1, 2, 4]);
  net.last.handlers.onOpen();
  net.say(WELCOME);
  net.say({ t: 'synced', seq: 44, history: 'h' });
  net.last.handlers.onClose(1006);
  const sockets = net.sockets.length;
  await clock.pass(500);
  expect(net.sockets.length).toBe(sockets + 1);
});

test('a lost connection is opened again without asking for the session', async () => {
  await live();
  net.last.handlers.onClose(1006);
  await clock.pass(500);
  expect([http.sessions_asked, net.sockets.length]).toEqual([1, 2]);
});

test('after a refused handshake and after 4401 the session is asked again', async () => {
  link.start();
  await settle();
  net.last.handlers.onClose(1006);
  await clock.pass(500);
  expect(http.sessions_asked).toBe(2);
  net.last.handlers.onOpen();
  net.say(WELCOME);
  net.say({ t: 'synced', seq: 44, history: 'h' });
  http.sessionAnswer = { kind: 'none' };
  net.last.handlers.onClose(4401);
  await clock.pass(500);
  expect(link.current).toBe('signed_out');
});

test('45 seconds of silence end a connection, a heartbeat keeps it', async () => {
  await live();
  for (let n = 0; n < 10; n += 1) {
    await clock.pass(SILENCE_MS - 1);
    net.say({ t: 'ping', n });
  }
  expect([link.current, net.last.closed]).toEqual(['live', false]);
  await clock.pass(SILENCE_MS);
  expect(phases.at(-1)).toBe('waiting');
  expect(net.sockets[0]?.closed).toBe(true);
});

test('a ping is answered with the cursor', async () => {
  await live();
  net.took();
  net.say({ t: 'ping', n: 17 });
  expect(net.took()).toEqual([{ t: 'pong', n: 17, cursor: 44 }]);
});

test('a socket that does not open in time is given up', async () => {
  link.start();
  await clock.pass(OPEN_MS);
  expect([phases.at(-1), net.sockets[0]?.closed]).toEqual(['waiting', true]);
});

test('a replay that stands still is given up; one that goes on is not', async () => {
  await welcomed();
  for (let n = 0; n < 5; n += 1) {
    await clock.pass(SYNC_MS - 1);
    net.say({ t: 'alarm', seq: n, replay: true, a: { id: 'a', rev: n } });
  }
  expect(link.current).toBe('syncing');
  await clock.pass(SYNC_MS);
  expect(link.current).toBe('waiting');
});

test('what an abandoned socket still says is not heard', async () => {
  await live();
  const old = net.last;
  link.restart();
  await settle();
  heard = [];
  old.handlers.onFrame(JSON.stringify({ t: 'ping', n: 1 }));
  old.handlers.onClose(1006);
  expect([heard, link.current, net.sockets.length]).toEqual([[], 'connecting', 2]);
});

test('a page shown again while waiting connects at once', async () => {
  await live();
  clock.chance = 0.999;
  net.last.handlers.onClose(1006);
  link.visibility('visible', false);
  await settle();
  expect([link.current, net.sockets.length]).toEqual(['connecting', 2]);
});

test('a page hidden for long discards its socket, one hidden briefly says so and keeps it', async () => {
  await live();
  net.took();
  link.visibility('hidden', true);
  await clock.pass(HIDDEN_MS);
  link.visibility('visible', true);
  expect([net.took(), net.sockets.length]).toEqual([
    [
      { t: 'vis', v: 'hidden', audio: true },
      { t: 'vis', v: 'visible', audio: true },
    ],
    1,
  ]);
  link.visibility('hidden', true);
  await clock.pass(HIDDEN_MS + 1);
  link.visibility('visible', true);
  await settle();
  expect([net.sockets[0]?.closed, net.sockets.length]).toEqual([true, 2]);
});

test('bye waits as long as the gateway asks', async () => {
  await live();
  net.say({ t: 'bye', retry_ms: 3_120 });
  net.last.handlers.onClose(1012);
  await clock.pass(3_119);
  expect(net.sockets.length).toBe(1);
  await clock.pass(1);
  expect(net.sockets.length).toBe(2);
});

test('a window that was replaced does not fight back, until its page is looked at again', async () => {
  await live();
  net.last.handlers.onClose(4409);
  await clock.pass(3_600_000);
  expect([link.current, net.sockets.length]).toEqual(['replaced', 1]);
  link.visibility('hidden', false);
  link.visibility('visible', false);
  await settle();
  expect(net.sockets.length).toBe(2);
});

test('an app that is too old stops and says so', async () => {
  await live();
  net.last.handlers.onClose(4426);
  await clock.pass(3_600_000);
  link.restart();
  expect([link.current, net.sockets.length]).toEqual(['outdated', 1]);
});

test('a resync asks for a replay on the same connection and gives up when none comes', async () => {
  await live();
  net.took();
  link.resync(44);
  expect([net.took(), link.current]).toEqual([[{ t: 'resync', cursor: 44 }], 'syncing']);
  await clock.pass(SYNC_MS);
  expect(link.current).toBe('waiting');
});

test('a gateway that dropped our queue replays by itself; when it does not, it is given up', async () => {
  await live();
  net.took();
  net.say({ t: 'resync', why: 'slow' });
  expect([net.took(), link.current]).toEqual([[], 'syncing']);
  await clock.pass(SYNC_MS);
  expect(link.current).toBe('waiting');
});

test('after a connection that worked, a refused handshake asks for the session too', async () => {
  await live();
  net.last.handlers.onClose(1006);
  await clock.pass(500);
  net.last.handlers.onClose(1006);
  await clock.pass(1_000);
  expect([http.sessions_asked, net.sockets.length]).toEqual([2, 3]);
});

test('nothing but hello goes out before the welcome', async () => {
  link.start();
  await settle();
  net.last.handlers.onOpen();
  link.send({ t: 'vis', v: 'hidden', audio: false });
  expect(link.sendLive({ t: 'vis', v: 'hidden', audio: false })).toBe(false);
  expect(net.took().map((m) => m.t)).toEqual(['hello']);
});

test('an answer about the session that comes after stop changes nothing', async () => {
  for (const answer of [http.sessionAnswer, { kind: 'none' }, { kind: 'unreachable' }] as const) {
    http.sessionAnswer = answer;
    link.start();
    link.stop();
    await clock.pass(60_000);
    expect([link.current, net.sockets.length]).toEqual(['stopped', 0]);
  }
});
