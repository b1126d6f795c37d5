// The demo for real phones: https from its own authority, at an address of this machine. Loopback stands in for the
// network; it is private too.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { X509Certificate, createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { PROGRAM, SCREENSHOTS, enrolled, eventually, freePort, launch } from './support.mjs';

let folder;
let ports;
let demo;
let said;

async function start() {
  const args = ['demo', '--lan=127.0.0.1', '--pace', 'off', '--data', join(folder, 'data'),
    '--https-port', String(ports.https), '--http', `127.0.0.1:${ports.page}`, '--mqtt', `127.0.0.1:${ports.mqtt}`];
  demo = spawn(PROGRAM, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  said = '';
  for (const stream of [demo.stdout, demo.stderr]) stream.on('data', (bytes) => { said += bytes; });
  await eventually('the demo tells how to end it', async () => said.includes('Ctrl-C'), 30_000).catch((error) => {
    throw new Error(`${error.message}\n${said}`);
  });
}

async function stop() {
  if (!demo || demo.exitCode !== null) return;
  const gone = once(demo, 'exit');
  demo.kill('SIGINT');
  await gone;
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wanglou-lan-'));
  ports = { https: await freePort(), page: await freePort(), mqtt: await freePort() };
  await start();
});

after(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

const app = () => `https://127.0.0.1:${ports.https}`;
const page = () => `http://127.0.0.1:${ports.page}/`;
const link = () => said.match(/\n {3}(https:\S+#enrol=\S+)/)[1];
const authority = async () => {
  const answer = await fetch(`${page()}wanglou-demo.crt`);
  assert.equal(answer.headers.get('content-type'), 'application/x-x509-ca-cert');
  return Buffer.from(await answer.arrayBuffer());
};

/** One request to the app, by those who trust this authority alone. */
function ask(path, { ca, method = 'GET', headers = {}, body = '' }) {
  return new Promise((done, failed) => {
    const sent = request(`${app()}${path}`, { ca, method, headers, agent: false }, (answer) => {
      let text = '';
      answer.on('data', (bytes) => { text += bytes; });
      answer.on('end', () => done({ status: answer.statusCode, headers: answer.headers, text, socket: answer.socket }));
    });
    sent.on('error', failed);
    sent.end(body);
  });
}

test('the page gives the authority that the terminal names, and it vouches for the app', async () => {
  const ca = new X509Certificate(await authority());
  assert.ok(ca.ca);
  assert.ok(said.includes(ca.fingerprint256), 'the terminal shows its fingerprint');
  const text = await (await fetch(page())).text();
  assert.ok(text.replaceAll(/[ :]/g, '').includes(ca.fingerprint256.replaceAll(':', '')), 'and so does the page');
  assert.ok(said.includes(page()) && /[█▀▄]/.test(said), 'codes to scan');
  const answer = await ask('/', { ca: ca.toString() });
  assert.equal(answer.status, 200);
  await assert.rejects(ask('/', {}), /unable to verify|self.signed|issuer/i, 'nobody else believes it');
  const key = join(folder, 'data', 'ca', 'ca.key.pem');
  assert.equal(statSync(key).mode & 0o777, 0o600);
});

test('the session is bound to https, and a foreign page may not use it', async () => {
  const ca = new X509Certificate(await authority()).toString();
  const token = said.match(/#enrol=(\S+)/)[1];
  const enrol = (origin) => ask('/api/enrol', {
    ca, method: 'POST', body: JSON.stringify({ token, name: 'test' }),
    headers: { 'content-type': 'application/json', ...(origin && { origin }) },
  });
  for (const wrong of [undefined, 'null', `http://127.0.0.1:${ports.https}`, 'https://192.168.1.5:8443']) {
    assert.equal((await enrol(wrong)).status, 403, String(wrong));
  }
  const good = await enrol(app());
  assert.equal(good.status, 200, good.text);
  const [cookie] = good.headers['set-cookie'];
  assert.match(cookie, /^__Host-sid=[^;]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+; Secure$/);
  const socket = (origin) => ask('/ws', {
    ca, headers: {
      origin, cookie: cookie.split(';')[0], connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-protocol': 'wanglou.v1',
    },
  });
  assert.equal((await socket('https://evil.example')).status, 403);
});

test('a phone that trusts it has HTTP/2, a service worker, the screen lock and its alarms', { timeout: 60_000 }, async () => {
  const cert = new X509Certificate(readFileSync(join(folder, 'data', 'ca', 'https.pem')));
  const spki = createHash('sha256').update(cert.publicKey.export({ type: 'spki', format: 'der' })).digest('base64');
  // A browser that does not know the authority refuses; told the key, it takes the page as it takes any other.
  const stranger = await launch();
  const refused = await (await stranger.newPage()).goto(app()).catch((error) => error.message);
  assert.match(String(refused), /ERR_CERT_AUTHORITY_INVALID/);
  await stranger.close();
  const browser = await launch([`--ignore-certificate-errors-spki-list=${spki}`]);
  try {
    const phone = await enrolled(browser, link(), 'zh-CN');
    const found = await phone.evaluate(async () => ({
      secure: isSecureContext,
      worker: (await navigator.serviceWorker.ready).active?.state,
      protocol: performance.getEntriesByType('navigation')[0].nextHopProtocol,
      wake: 'wakeLock' in navigator,
      cookie: document.cookie,
    }));
    assert.deepEqual({ ...found, worker: undefined }, { secure: true, worker: undefined, protocol: 'h2', wake: true, cookie: '' });
    assert.ok(['activating', 'activated'].includes(found.worker), found.worker);
    const cookies = await phone.context().cookies();
    assert.deepEqual(cookies.map(({ name, secure, httpOnly, sameSite }) => ({ name, secure, httpOnly, sameSite })),
      [{ name: '__Host-sid', secure: true, httpOnly: true, sameSite: 'Strict' }]);
    await phone.locator('[data-phase=live]').first().waitFor({ state: 'attached' });
  } finally {
    await browser.close();
  }
});

test('the page is shown to a phone as it should be, and nothing is cut off', async () => {
  const browser = await launch();
  try {
    for (const scheme of ['light', 'dark']) {
      const context = await browser.newContext({ viewport: { width: 360, height: 640 }, colorScheme: scheme });
      const shown = await context.newPage();
      await shown.goto(page());
      const wide = await shown.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= 360, `${wide} px wide`);
      await shown.screenshot({ path: join(SCREENSHOTS, `trust.${scheme}.png`), fullPage: true });
    }
  } finally {
    await browser.close();
  }
});

test('a second start is trusted by whoever trusted the first', async () => {
  const first = await authority();
  await stop();
  await start();
  assert.deepEqual(await authority(), first);
  const answer = await ask('/readyz', { ca: new X509Certificate(first).toString() });
  assert.equal(answer.status, 200);
});
