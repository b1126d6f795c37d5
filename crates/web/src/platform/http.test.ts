import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { alarmDetail, enrol, http, request, whyMissing } from './http';

let answer: () => Promise<Response>;
let asked: { path: string; init: RequestInit }[];

beforeEach(() => {
  asked = [];
  vi.useFakeTimers();
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
    asked.push({ path, init });
    return answer();
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function json(status: number, body: unknown): () => Promise<Response> {
  return async () => new Response(JSON.stringify(body), { status });
}

const SESSION = {
  officer: { id: 'o_wu', name: '吴', roles: ['guard', 7], admin: true },
  dev: 'd_7f',
  site: { id: 'demo', name: { zh: '示范' } },
  version: '0.1.0',
  now: '2026-03-02T21:00:00Z',
  pin: { set: true, required: false, lock_after_s: 900 },
};
const COMMAND = { cid: 'c1', op: 'accept', id: 'a', rev: 1, at: '2026-03-02T21:00:00Z' };

test('a session is read with the gateway’s time', async () => {
  answer = json(200, SESSION);
  expect(await http.session()).toEqual({
    kind: 'ok',
    session: {
      officer: { id: 'o_wu', name: '吴', roles: ['guard'], admin: true },
      dev: 'd_7f',
      site: { id: 'demo', name: { zh: '示范', en: '示范' } },
      version: '0.1.0',
      pin: { set: true, required: false, lock_after_s: 900 },
    },
    now_ms: Date.parse('2026-03-02T21:00:00Z'),
  });
});

test('only 401 means "no session"; broken, failing and missing gateways are unreachable', async () => {
  answer = json(401, { code: 'auth' });
  expect(await http.session()).toEqual({ kind: 'none' });
  for (const other of [json(500, {}), json(200, {}), json(403, {}), async () => new Response('<html>'), () => Promise.reject(new Error('cut'))]) {
    answer = other;
    expect(await http.session()).toEqual({ kind: 'unreachable' });
  }
});

test('no answer within ten seconds is none', async () => {
  answer = () =>
    new Promise((_, reject) => {
      asked[0]?.init.signal?.addEventListener('abort', () => reject(new Error('aborted')));
    });
  const waiting = request('GET', '/api/session');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await waiting).toBeNull();
});

test('a command is posted as it is, and its answer is read whatever the status', async () => {
  answer = json(409, { t: 'err', cid: 'c1', code: 'taken', by: { id: 'o_8', name: '王' } });
  expect(await http.command(COMMAND)).toMatchObject({ kind: 'answered', message: { t: 'err', code: 'taken' } });
  expect(asked[0]).toMatchObject({ path: '/api/cmd', init: { method: 'POST', body: JSON.stringify(COMMAND) } });
  answer = json(200, { t: 'ok', cid: 'c1', id: 'a', rev: 2 });
  expect(await http.command(COMMAND)).toMatchObject({ kind: 'answered', message: { t: 'ok', rev: 2 } });
});

test('a command without a usable answer stays pending', async () => {
  for (const other of [json(502, 'bad gateway'), json(200, { t: 'welcome' }), () => Promise.reject(new Error('cut'))]) {
    answer = other;
    expect(await http.command(COMMAND)).toEqual({ kind: 'unreachable' });
  }
  answer = json(401, {});
  expect(await http.command(COMMAND)).toEqual({ kind: 'no_session' });
});

test('why an enrolment was refused is told apart', async () => {
  answer = json(403, { code: 'token_used', text: { zh: '用过', en: 'used' } });
  expect(await enrol('T', 'phone')).toEqual({ code: 'token_used', text: { zh: '用过', en: 'used' }, retry_s: null });
  answer = json(429, { code: 'slow_down', retry_s: 30 });
  expect(await enrol('T', 'phone')).toMatchObject({ code: 'slow_down', retry_s: 30 });
  answer = () => Promise.reject(new Error('cut'));
  expect(await enrol('T', 'phone')).toMatchObject({ code: 'unreachable' });
  answer = async () => new Response('oops', { status: 500 });
  expect(await enrol('T', 'phone')).toMatchObject({ code: 'http_500' });
  answer = json(200, SESSION);
  expect(await enrol('T', 'phone')).toBeNull();
});

test('a timeline line without a time is left out, an unknown one is kept', async () => {
  answer = json(200, { a: {}, advice: { zh: ['看'], en: null }, timeline: [{ what: 'x' }, { at: '2026-03-02T21:00:00Z', what: 'teleported' }] });
  expect(await alarmDetail('a/b')).toEqual({
    advice: { zh: ['看'], en: [] },
    timeline: [{ at: '2026-03-02T21:00:00Z', what: 'teleported', text: null, by: null, to: null, channel: null }],
    lift: [],
    pin: null,
  });
  expect(asked[0]?.path).toBe('/api/alarms/a%2Fb');
  answer = json(404, {});
  expect(await alarmDetail('a')).toBe('gone');
  answer = json(500, {});
  expect(await alarmDetail('a')).toBe('unreachable');
});

test('a pin is read where it lies on its plan, and nowhere else', async () => {
  const detail = async (plan: unknown) => {
    answer = json(200, { timeline: [], plan });
    const found = await alarmDetail('a');
    return typeof found === 'object' ? found.pin : found;
  };
  expect(await detail({ plan: 'ground', x: 0.41, y: 0 })).toEqual({ plan: 'ground', x: 0.41, y: 0 });
  for (const bad of [null, { plan: 'ground' }, { plan: 'ground', x: 2, y: 0 }, { plan: 7, x: 0, y: 0 }]) expect(await detail(bad)).toBeNull();
});

test('why a picture is missing is what the gateway says, and nothing where it says nothing', async () => {
  answer = json(404, { code: 'host_not_allowed', text: { zh: '主机不在允许名单', en: 'host not allowed' } });
  expect(await whyMissing('/api/evidence/al_1/0')).toEqual({ zh: '主机不在允许名单', en: 'host not allowed' });
  for (const other of [json(200, { text: 'x' }), async () => new Response('JFIF', { status: 404 }), () => Promise.reject(new Error('cut'))]) {
    answer = other;
    expect(await whyMissing('/api/evidence/al_1/0')).toBeNull();
  }
});

test('a lift’s commands are read with what became of them, and a line without an action is none', async () => {
  const at = '2026-03-02T21:00:00Z';
  answer = json(200, { timeline: [], lift: [{ at, action: 'hold', state: 'timed_out', text: { zh: '请', en: 'please' } }, { at, state: 'x' }, 7] });
  const found = await alarmDetail('a');
  expect(typeof found === 'object' && found.lift).toEqual([{ at, action: 'hold', state: 'timed_out', by: null, text: { zh: '请', en: 'please' } }]);
});
