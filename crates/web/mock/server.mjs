// A gateway made of canned answers, for working on the screens: it serves
// dist/ with the strict content security policy, and speaks the API and
// wanglou.v1 well enough for one officer. Never part of the product.
//
//   npm run build && npm run mock      then open http://127.0.0.1:4174/
//   POST /mock/<scene>                 sets the scene, see SCENES
//   POST /mock/cut | /mock/mend        closes every socket and refuses new ones | lets them in again
//   POST /mock/down | /mock/dead       the same, and the API | every file too is not answered
//   POST /mock/raise/<name>            raises one of the canned alarms
//   POST /mock/guest                   ends the session
//   POST /mock/stall                   welcomes, but never replays
//   POST /mock/pin                     the officer has a PIN: 5050
//   POST /mock/fresh                   the gateway has just started: no charts yet
//   POST /mock/quiet                   nothing was, and nothing is entered: no past, no works, no absences
//   POST /mock/close/<code>            closes every socket with this code
//   POST /mock/offered                 a colleague signed to hand over to this officer
//   POST /mock/push                    push messages are configured
//   POST /mock/burst                   500 updates of one alarm
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname } from 'node:path';
import { WebSocketServer } from 'ws';
import * as canned from './alarms.mjs';

export const CSP =
  "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.png': 'image/png', '.webmanifest': 'application/manifest+json' };

/** What each scene starts with. */
const SCENES = {
  empty: () => [],
  calm: () => canned.rest().map((a) => ({ ...a })),
  busy: () => [canned.cover(), canned.ebike(), canned.door(), ...canned.rest()],
  drill: () => [canned.drill(), ...canned.rest()],
};

/** One mock gateway on 127.0.0.1:`port`; resolves to a handle with `close`. */
export function startMock(port) {
  let alarms = new Map();
  let seq = 0;
  let log = [];
  let state = {};
  const answered = new Map();
  let receipts = [];
  let reports = [];
  let subscriptions = [];

  function scene(name) {
    state = { session: true, cut: false, stall: false, admin: true, push: false, pin: '', unlocked: false };
    answered.clear();
    receipts = [];
    reports = [];
    subscriptions = [];
    alarms = new Map((SCENES[name] ?? SCENES.busy)().map((a) => [a.id, a]));
    seq = alarms.size;
    log = [...alarms.keys()];
  }
  scene('busy');

  const server = createServer(async (req, res) => {
    const url = new URL(req.url, 'http://mock');
    const body = await read(req);
    if (url.pathname.startsWith('/mock/')) return mock(url.pathname.split('/').slice(2), res);
    if (state.dead || (state.down && url.pathname.startsWith('/api/'))) return void req.socket.destroy();
    if (url.pathname.startsWith('/api/')) return api(req.method, url.pathname, body, res, url.searchParams);
    return file(url.pathname, res);
  });

  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'wanglou.v1' });
  server.on('upgrade', (req, socket, head) => {
    if (state.cut || !state.session) return void socket.destroy();
    sockets.handleUpgrade(req, socket, head, (ws) => greet(ws));
  });

  const send = (ws, message) => ws.send(JSON.stringify(message));
  const now = () => new Date().toISOString();

  function greet(ws) {
    ws.on('message', (frame) => {
      const message = JSON.parse(frame);
      if (message.t === 'hello') {
        send(ws, { t: 'welcome', conn: 'c_1', history: 'h1', head: seq, hb_ms: 20000, now: now(), resume: 'full' });
        if (!state.stall) replay(ws);
      } else if (message.t === 'resync') {
        replay(ws);
      } else if (message.t === 'got') {
        receipts.push(message);
      } else if (message.t === 'cmd') {
        send(ws, command(message));
      }
    });
    let n = 0;
    const beat = setInterval(() => send(ws, { t: 'ping', n: (n += 1) }), 20_000);
    ws.on('close', () => clearInterval(beat));
  }

  function replay(ws) {
    for (const a of alarms.values()) send(ws, { t: 'alarm', seq: log.lastIndexOf(a.id) + 1, replay: true, a });
    send(ws, { t: 'synced', seq, history: 'h1' });
    send(ws, { t: 'info', key: 'duty', v: { reachable: 3, on: 4 } });
  }

  function tell(a) {
    alarms.set(a.id, a);
    seq += 1;
    log.push(a.id);
    for (const ws of sockets.clients) send(ws, { t: 'alarm', seq, a });
  }

  function command(c) {
    if (!answered.has(c.cid)) answered.set(c.cid, decide(c));
    return answered.get(c.cid);
  }

  function decide({ cid, op, id, outcome, category, place, photos, to, until }) {
    if (op === 'report') {
      reports.push({ category, place, photos });
      return { t: 'ok', cid, id: 'al_report' };
    }
    if (op === 'sign_on' || op === 'sign_off') state.duty = op === 'sign_on';
    if (op === 'handover') [state.offered, state.signed] = [false, state.offered ? undefined : to];
    if (['sign_on', 'sign_off', 'handover', 'permit', 'maintain', 'end_maintenance', 'away'].includes(op)) {
      if (op === 'permit' && !until) return { t: 'err', cid, code: 'invalid', text: { zh: '结束时间已过', en: 'until must be later than now' } };
      return { t: 'ok', cid };
    }
    const a = alarms.get(id);
    const refuse = (code, extra = {}) => ({ t: 'err', cid, code, rev: a?.rev ?? 0, ...extra });
    if (!a) return refuse('gone', { text: { zh: '此告警已结束', en: 'This alarm has ended' } });
    if (op === 'accept' && a.state !== 'open') {
      tell({ ...a, rev: a.rev + 1 });
      return refuse('taken', { by: a.accepted_by });
    }
    const me = { id: canned.OFFICER.id, name: canned.OFFICER.name };
    const change = {
      accept: { state: 'accepted', accepted_by: me, accepted_at: now(), actions: ['undo', 'arrive', 'note', 'guard', 'resolve', 'false_alarm'] },
      undo: { state: 'open', accepted_by: null, accepted_at: null, actions: ['accept', 'decline'] },
      decline: { actions: ['accept'] },
      arrive: { state: 'arrived', actions: ['note', 'guard', 'resolve', 'false_alarm'] },
      guard: { stage: 'guarded', stage_text: { zh: '已看护', en: 'Guarded' } },
      resolve: { state: 'resolved', outcome, closed_at: now(), actions: [] },
      false_alarm: { state: 'resolved', outcome: 'false_alarm', closed_at: now(), actions: [] },
      note: {},
      transfer: {},
      shelve: {},
      confirm: { mark: null },
      release: {},
    }[op];
    if (!change) return refuse('invalid', { text: { zh: `不认识的操作 ${op}`, en: `Unknown operation ${op}` } });
    tell({ ...a, ...change, rev: a.rev + 1 });
    return { t: 'ok', cid, id, rev: a.rev + 1 };
  }

  function api(method, path, body, res, query) {
    const session = {
      officer: { ...canned.OFFICER, admin: state.admin },
      dev: 'd_7f',
      site: canned.SITE,
      version: '0.1.0',
      now: now(),
      pin: { set: state.pin !== '', required: false, lock_after_s: 900 },
    };
    if (path === '/api/enrol') {
      if (body.token.toUpperCase() !== 'K7QMR2XW9DPT') {
        return json(res, 403, { code: 'token_unknown', text: { zh: '没有这个绑定码', en: 'No such code' } });
      }
      state.session = true;
      return json(res, 200, session);
    }
    if (!state.session) return json(res, 401, { code: 'auth' });
    if (path === '/api/session') return json(res, 200, session);
    if (path === '/api/logout') {
      state.session = false;
      return res.writeHead(204).end();
    }
    if (path === '/api/cmd') {
      const answer = command(body);
      return json(res, answer.t === 'ok' ? 200 : 409, answer);
    }
    if (path === '/api/push') {
      if (!state.push) return json(res, 404, { code: 'no_push' });
      if (method === 'GET') return json(res, 200, { key: canned.PUSH_KEY, subscribed: subscriptions.length > 0 });
      subscriptions.push(body);
      return res.writeHead(204).end();
    }
    if (path === '/api/push/trial') return json(res, 200, { trial: 't1' });
    if (path === '/api/places') return json(res, 200, canned.places());
    if (path === '/api/photos') return json(res, 200, { sha256: 'ab'.repeat(32) });
    if (path === '/api/duty') {
      const found = canned.team();
      const me = { id: canned.OFFICER.id, name: canned.OFFICER.name };
      const until = new Date(Date.now() + 1_500_000).toISOString();
      if (state.duty !== undefined) found.me = { on_duty: state.duty, signed_until: new Date(Date.now() + 50_000_000).toISOString() };
      if (state.offered) found.offers.push({ from: canned.OTHER, to: me, alarms: 3, until });
      if (state.signed) found.offers.push({ from: me, to: { id: state.signed, name: '李静' }, alarms: 1, until });
      return json(res, 200, found);
    }
    if (path === '/api/works') return json(res, 200, state.quiet ? { permits: [], windows: [], now: now() } : canned.works());
    if (path === '/api/absences') {
      if (!state.unlocked) return json(res, 403, { code: 'pin_needed', text: { zh: '请输入 PIN', en: 'give your PIN' } });
      return json(res, 200, state.quiet ? [] : canned.absences());
    }
    if (path === '/api/history') return json(res, 200, state.quiet ? [] : canned.past());
    if (path === '/api/drill') {
      tell({ ...canned.drill(), id: 'al_own_drill', prio: 2, actions: ['accept', 'decline', 'note'] });
      return json(res, 200, { t: 'ok', cid: body.cid, id: 'al_own_drill', rev: 1 });
    }
    if (path === '/api/admin/sessions') {
      if (method === 'DELETE') state.phones = [];
      return method === 'DELETE' ? res.writeHead(204).end() : json(res, 200, state.phones ?? canned.phones());
    }
    if (path === '/api/pin') {
      [state.pin, state.unlocked] = [body.pin, true];
      return res.writeHead(204).end();
    }
    if (path === '/api/pin/unlock') {
      state.unlocked = body.pin === state.pin;
      if (state.unlocked) return res.writeHead(204).end();
      return json(res, 403, { code: 'pin_wrong', text: { zh: 'PIN 不对，还可以试 4 次', en: 'Wrong PIN; 4 more tries' } });
    }
    if (path.endsWith('/resident')) {
      if (!state.unlocked) return json(res, 403, { code: 'pin_needed', text: { zh: '请输入 PIN', en: 'give your PIN' } });
      return json(res, 200, canned.RESIDENT);
    }
    if (path === '/api/admin/figures') {
      if (!state.admin) return json(res, 403, { code: 'forbidden' });
      return json(res, 200, canned.figures(query.get('span') ?? 'hour', state.fresh));
    }
    if (path === '/api/admin/overview') return json(res, 200, canned.overview());
    if (path === '/api/evidence/cover.svg') {
      return res.writeHead(200, { 'content-type': 'image/svg+xml' }).end(canned.PICTURE);
    }
    if (path.startsWith('/api/plans/')) {
      const svg = readFileSync(new URL(`../../../config/sites/demo/plans/${path.split('/').pop()}.svg`, import.meta.url));
      return res.writeHead(200, { 'content-type': 'image/svg+xml' }).end(svg);
    }
    const a = alarms.get(decodeURIComponent(path.replace('/api/alarms/', '')));
    return a ? json(res, 200, canned.detail(a)) : json(res, 404, { code: 'gone' });
  }

  function mock([word, name], res) {
    if (word === 'pin') state.pin = '5050';
    else if (word === 'fresh') state.fresh = true;
    else if (word === 'quiet') state.quiet = true;
    else if (word === 'close') for (const ws of sockets.clients) ws.close(Number(name));
    else if (word === 'offered') state.offered = true;
    else if (word === 'cut' || word === 'down' || word === 'dead') {
      state.cut = true;
      state.down = word === 'down';
      state.dead = word === 'dead';
      for (const ws of sockets.clients) ws.terminate();
    } else if (word === 'mend') {
      state.cut = false;
      state.down = false;
      state.dead = false;
      state.stall = false;
    } else if (word === 'stall') {
      state.stall = true;
    } else if (word === 'guest') {
      state.session = false;
      for (const ws of sockets.clients) ws.close(4401);
    } else if (word === 'push') {
      state.push = true;
    } else if (word === 'raise') {
      tell(canned[name]());
    } else if (word === 'burst') {
      for (let rev = 1; rev <= 500; rev += 1) tell({ ...canned.battery2(), id: 'al_burst', rev, count: rev });
    } else if (word === 'taken') {
      const a = alarms.get(name);
      // Silently, as if the news were still on its way to this phone.
      alarms.set(name, { ...a, state: 'accepted', accepted_by: canned.OTHER, accepted_at: now(), actions: ['note'] });
    } else if (word === 'log') {
      return json(res, 200, { commands: [...answered.values()], receipts, reports, subscriptions });
    } else {
      scene(word);
    }
    return res.writeHead(204).end();
  }

  function file(path, res) {
    const name = path === '/' ? '/index.html' : path;
    try {
      const content = readFileSync(new URL(`../dist${name}`, import.meta.url));
      res.writeHead(200, { 'content-type': TYPES[extname(name)] ?? 'application/octet-stream', 'content-security-policy': CSP });
      res.end(content);
    } catch {
      res.writeHead(404).end('no such file');
    }
  }

  return new Promise((done) => {
    server.listen(port, '127.0.0.1', () =>
      done({
        address: `http://127.0.0.1:${server.address().port}`,
        close: () => {
          for (const ws of sockets.clients) ws.terminate();
          server.closeAllConnections();
          return new Promise((closed) => server.close(closed));
        },
      }),
    );
  });
}

function json(res, status, body) {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function read(req) {
  let text = '';
  for await (const chunk of req) text += chunk;
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

if (process.argv[1] && import.meta.url.endsWith(process.argv[1].replace(/^.*[/\\]/, '/'))) {
  const { address } = await startMock(4174);
  console.log(`mock gateway on ${address}/  (enrolment code K7QM R2XW 9DPT)`);
}
