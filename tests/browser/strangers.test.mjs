// Who may open a socket: our own page with a session or an unused ticket, and nobody else.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { Compound } from './support.mjs';

let compound;
let wu;

before(async () => {
  compound = await Compound.start();
  wu = await compound.phone('wu');
});

after(async () => compound?.stop());

/** Opens a socket as the page would; says whether it opened, and which subprotocol was chosen. */
const dial = (page, protocols, origin = compound.origin) => page.evaluate(async ({ url, protocols }) => {
  const socket = new WebSocket(url, protocols);
  const opened = await new Promise((done) => {
    socket.onopen = () => done(socket.protocol);
    socket.onerror = () => done(null);
  });
  socket.close();
  return opened;
}, { url: `${origin.replace('http', 'ws')}/ws`, protocols });

const ticket = (page) => page.evaluate(async () => (await (await fetch('/api/ticket', { method: 'POST' })).json()).ticket);

test('a ticket opens one socket, and only v1 is echoed', async () => {
  const once_only = await ticket(wu);
  assert.equal(await dial(wu, ['wanglou.v1', `wanglou.ticket.${once_only}`]), 'wanglou.v1');
  assert.equal(await dial(wu, ['wanglou.v1', `wanglou.ticket.${once_only}`]), null, 'used');
  assert.equal(await dial(wu, ['wanglou.v1', 'wanglou.ticket.AAAA']), null, 'made up, with a good cookie beside it');
});

test('another subprotocol, or none, opens nothing', async () => {
  assert.equal(await dial(wu, ['wanglou.v1']), 'wanglou.v1');
  for (const wrong of [['wanglou.v2'], ['chat'], []]) assert.equal(await dial(wu, wrong), null, String(wrong));
});

test('a page of another origin, one without an origin, and a null origin open nothing', async () => {
  const server = createServer((_, answer) => answer.end('<!doctype html><title>evil</title>')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const evil = await wu.context().newPage();
  await evil.goto(`http://127.0.0.1:${server.address().port}/`);
  assert.equal(await dial(evil, ['wanglou.v1']), null, 'foreign');
  // A sandboxed frame has the origin null.
  const nulled = await evil.evaluate((url) => new Promise((done) => {
    const frame = document.createElement('iframe');
    frame.setAttribute('sandbox', 'allow-scripts');
    const script = `const s = new WebSocket('${url}', ['wanglou.v1']); s.onopen = () => parent.postMessage('open', '*'); s.onerror = () => parent.postMessage(origin, '*');`;
    frame.srcdoc = `<script>${script}</scr` + 'ipt>';
    addEventListener('message', ({ data }) => done(data));
    document.body.append(frame);
  }), `${compound.origin.replace('http', 'ws')}/ws`);
  assert.equal(nulled, 'null', 'the frame is what it should be, and has no socket');
  await evil.close();
  server.close();

  // No browser leaves the origin out; a program does.
  const [cookie] = await wu.context().cookies();
  const status = await new Promise((done, failed) => {
    const socket = connect(compound.http, '127.0.0.1', () => socket.write(
      `GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
      `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: wanglou.v1\r\nCookie: ${cookie.name}=${cookie.value}\r\n\r\n`));
    socket.on('data', (bytes) => { done(Number(String(bytes).split(' ')[1])); socket.destroy(); });
    socket.on('error', failed);
  });
  assert.equal(status, 403);
});

test('a revoked session closes its sockets with 4401 within a second, and opens none', async () => {
  const manager = await compound.phone('he');
  // A page of ours without the app, which would open a socket of its own.
  const li = await compound.phone('li');
  await li.goto(`${compound.origin}/healthz`);
  const closed = li.evaluate((url) => new Promise((done) => {
    const socket = new WebSocket(url, ['wanglou.v1']);
    socket.onopen = () => socket.send(JSON.stringify({ t: 'hello', dev: '', app: 't', cursor: 0, history: '', vis: 'visible', push: 'none', audio: false, locale: 'en' }));
    socket.onmessage = ({ data }) => { if (JSON.parse(data).t === 'synced') globalThis.synced = true; };
    socket.onclose = ({ code }) => done({ code, at: Date.now() });
  }), `${compound.origin.replace('http', 'ws')}/ws`);
  await li.waitForFunction(() => globalThis.synced);
  const asked = await manager.evaluate(async () => {
    const sessions = await (await fetch('/api/admin/sessions')).json();
    const at = Date.now();
    const theirs = sessions.filter(({ officer }) => officer === 'wu' || officer === 'li');
    await Promise.all(theirs.map(({ id }) => fetch(`/api/admin/sessions?id=${id}`, { method: 'DELETE' })));
    return at;
  });
  const { code, at } = await closed;
  assert.equal(code, 4401);
  assert.ok(at - asked <= 1_000, `it took ${at - asked} ms`);
  assert.equal(await dial(li, ['wanglou.v1']), null);
  await wu.locator('input.code').waitFor();
});
