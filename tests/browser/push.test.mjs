// The app is closed: a push service of the test's own takes what the gateway sends, checks how it is signed and
// addressed, and decrypts it by itself; then the same body goes to the real service worker.
import assert from 'node:assert/strict';
import { createDecipheriv, createECDH, createHmac, createPublicKey, randomBytes, verify } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { Compound, cover, eventually } from './support.mjs';

let service;
let compound;

/** A push service: keeps what it is sent, and answers each address what the test wants. */
class PushService {
  static async start() {
    const service = new PushService();
    service.got = [];
    service.answers = new Map();
    service.server = createServer(async (request, answer) => {
      const parts = [];
      for await (const part of request) parts.push(part);
      service.got.push({ path: request.url, headers: request.headers, body: Buffer.concat(parts), at: Date.now() });
      const { status = 201, headers = {} } = service.answers.get(request.url)?.shift() ?? {};
      if (status === 'hang') return;
      answer.writeHead(status, headers).end();
    }).listen(0, '127.0.0.1');
    await once(service.server, 'listening');
    service.origin = `http://127.0.0.1:${service.server.address().port}`;
    return service;
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** A phone's subscription, with keys of the test's own. */
function subscription(path) {
  const pair = createECDH('prime256v1');
  pair.generateKeys();
  const auth = randomBytes(16);
  const json = {
    endpoint: `${service.origin}${path}`,
    keys: { p256dh: pair.getPublicKey().toString('base64url'), auth: auth.toString('base64url') },
  };
  return { pair, auth, json };
}

const hmac = (key, ...parts) => createHmac('sha256', key).update(Buffer.concat(parts)).digest();
/** One block of HKDF's expansion is enough for all that is needed here. */
const expand = (key, info, length) => hmac(key, info, Buffer.from([1])).subarray(0, length);

/** RFC 8291 from the phone's side, written apart from the gateway's. */
function decrypt(body, { pair, auth }) {
  const salt = body.subarray(0, 16);
  const length = body[20];
  const theirs = body.subarray(21, 21 + length);
  const sealed = body.subarray(21 + length);
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), pair.getPublicKey(), theirs]);
  const agreed = expand(hmac(auth, pair.computeSecret(theirs)), info, 32);
  const prk = hmac(salt, agreed);
  const key = expand(prk, Buffer.from('Content-Encoding: aes128gcm\0'), 16);
  const nonce = expand(prk, Buffer.from('Content-Encoding: nonce\0'), 12);
  const open = createDecipheriv('aes-128-gcm', key, nonce);
  open.setAuthTag(sealed.subarray(-16));
  const text = Buffer.concat([open.update(sealed.subarray(0, -16)), open.final()]);
  const end = text.lastIndexOf(2);
  return JSON.parse(text.subarray(0, end).toString());
}

/** The token of RFC 8292: signed by the key that it names, for this service, for some hours. */
function checkToken({ headers }, key) {
  const [, token, named] = headers.authorization.match(/^vapid t=(\S+), k=(\S+)$/);
  assert.equal(named, key, 'the key that phones subscribed with');
  const [head, claims, signature] = token.split('.');
  const raw = Buffer.from(key, 'base64url');
  const jwk = { kty: 'EC', crv: 'P-256', x: raw.subarray(1, 33).toString('base64url'), y: raw.subarray(33).toString('base64url') };
  const by = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' };
  assert.ok(verify('sha256', Buffer.from(`${head}.${claims}`), by, Buffer.from(signature, 'base64url')), 'signed');
  const { aud, exp, sub } = JSON.parse(Buffer.from(claims, 'base64url'));
  assert.equal(aud, service.origin);
  assert.equal(sub, 'mailto:duty@example.org');
  assert.ok(exp > Date.now() / 1000 && exp < Date.now() / 1000 + 24 * 3600);
}

const post = (page, path, body) =>
  page.evaluate(async ([path, body]) => {
    const answer = await fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    return { status: answer.status, body: await answer.json().catch(() => null) };
  }, [path, body]);
const read = (page, path) => page.evaluate(async (path) => (await fetch(path)).json(), path);

/** A logged-in phone of this officer that can be pushed to. Leaves the page where it does not listen for alarms. */
async function subscribed(officer, path) {
  const page = await compound.phone(officer);
  const mine = subscription(path);
  assert.equal((await post(page, '/api/push', mine.json)).status, 204);
  return { page, ...mine };
}

/** The app is closed: the page lives on at an address without it, to ask the gateway by. */
const close = (phone) => phone.page.goto(`${compound.origin}/icon.svg`);
const sentTo = (path) => service.got.filter((one) => one.path === path);

before(async () => {
  service = await PushService.start();
  compound = await Compound.start({
    alwaysOn: ['wu', 'li'],
    extra: `\n[push]\ncontact = "mailto:duty@example.org"\nhosts = ["${service.origin}"]\n`,
  });
});

after(async () => {
  await compound?.stop();
  service?.stop();
});

test('a closed app is pushed to: signed, urgent, encrypted for that phone, without a name', { timeout: 90_000 }, async () => {
  const wu = await subscribed('wu', '/p/wu');
  const { key } = await read(wu.page, '/api/push');
  await close(wu);
  cover(compound, 'cover-41', true);
  const [sent] = await eventually('a push', async () => sentTo('/p/wu').length > 0 && sentTo('/p/wu'));
  checkToken(sent, key);
  assert.equal(sent.headers['content-encoding'], 'aes128gcm');
  assert.equal(sent.headers.urgency, 'high');
  assert.match(sent.headers.topic, /^[\w-]{1,32}$/);
  assert.ok(Number(sent.headers.ttl) > 200 && Number(sent.headers.ttl) <= 300, sent.headers.ttl);
  const message = decrypt(sent.body, wu);
  assert.deepEqual(Object.keys(message).sort(), ['alarm', 'level', 'place', 'rev', 'test', 'title']);
  assert.equal(message.level, 2);
  assert.ok(!JSON.stringify(message).includes('吴'), 'no name');
  assert.ok(sent.body.length < 3_000);
  // The attempt and its end are on the alarm's record.
  const told = await eventually('the record says so', async () => {
    const { timeline } = await read(wu.page, `/api/alarms/${message.alarm}`);
    const lines = timeline.filter((line) => line.channel === 'push' && line.to?.id === 'wu');
    return lines.length >= 3 && lines.map((line) => line.text.en);
  });
  assert.deepEqual(told, ['queued', 'started', 'done: taken']);
  // The service worker's receipt counts as presented.
  assert.equal((await post(wu.page, '/api/receipt', { id: message.alarm, rev: message.rev, as: 'presented' })).status, 204);
  assert.equal(sentTo('/p/wu').length, 1, 'once');
  assert.equal((await post(wu.page, '/api/logout', {})).status, 204, 'so that this phone is not pushed to again');
  await wu.page.context().close();
});

test('too many, a fault and silence are tried again; what is gone is forgotten', { timeout: 120_000 }, async () => {
  const wu = await subscribed('wu', '/p/again');
  await close(wu);
  service.answers.set('/p/again', [{ status: 429, headers: { 'retry-after': '1' } }, { status: 503 }]);
  cover(compound, 'cover-42', true);
  await eventually('three tries', async () => sentTo('/p/again').length === 3, 40_000);
  const [first, second] = sentTo('/p/again');
  assert.ok(second.at - first.at >= 1_900, `the service asked for a second more: ${second.at - first.at} ms`);
  const alarm = decrypt(first.body, wu).alarm;
  assert.notDeepEqual(first.body.subarray(0, 16), second.body.subarray(0, 16), 'no two with one salt');
  await eventually('the record says so', async () => {
    const { timeline } = await read(wu.page, `/api/alarms/${alarm}`);
    return timeline.some((line) => line.channel === 'push' && line.text.en === 'done: taken');
  });

  // One that never answers is given up after ten seconds and tried again.
  service.answers.set('/p/again', [{ status: 'hang' }]);
  cover(compound, 'cover-46', true);
  await eventually('another two tries', async () => sentTo('/p/again').length === 5, 40_000);
  const [, , , hung, retried] = sentTo('/p/again');
  assert.ok(retried.at - hung.at >= 9_900, `${retried.at - hung.at} ms`);

  service.answers.set('/p/again', [{ status: 410 }]);
  cover(compound, 'cover-43', true);
  await eventually('the subscription is gone', async () => !(await read(wu.page, '/api/push')).subscribed);
  const before = sentTo('/p/again').length;
  cover(compound, 'cover-44', true);
  await eventually('the next alarm is there', async () =>
    (await read(wu.page, '/api/push')).subscribed === false);
  assert.equal(sentTo('/p/again').length, before, 'not again');
  await wu.page.context().close();
});

test('a service that is not on the list is never spoken to', async () => {
  const li = await compound.phone('li', 'en');
  for (const endpoint of ['http://127.0.0.1:9/x', 'https://evil.example/x', `${service.origin.replace('127.0.0.1', 'localhost')}/x`, 'file:///etc/passwd']) {
    const { json } = subscription('/x');
    const { status, body } = await post(li, '/api/push', { ...json, endpoint });
    assert.equal(status, 400, endpoint);
    assert.equal(body.code, 'unusable');
  }
  assert.equal((await post(li, '/api/push', { endpoint: `${service.origin}/x`, keys: { p256dh: 'AAAA', auth: 'AAAA' } })).status, 400);
  await li.context().close();
});

test('the real service worker shows what was pushed, receipts it, and a touch opens that alarm', { timeout: 120_000 }, async () => {
  const wu = await compound.phone('wu');
  await wu.context().grantPermissions(['notifications'], { origin: compound.origin });
  cover(compound, 'cover-45', true);
  await wu.locator('dialog.alarm[data-alarm]').first().waitFor();
  const all = await wu.locator('dialog.alarm[data-alarm]').getAttribute('data-alarm');
  const body = { alarm: all, rev: 1, level: 2, title: { zh: '井盖打开', en: 'Cover open' }, place: { zh: '东区', en: 'East' }, test: false };
  await wu.evaluate(() => navigator.serviceWorker.ready);
  await wu.reload();
  // Chromium's own way into the worker, which a push service would take.
  const session = await wu.context().newCDPSession(wu);
  const ids = new Map();
  session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
    for (const one of registrations) ids.set(one.scopeURL, one.registrationId);
  });
  await session.send('ServiceWorker.enable');
  const registrationId = await eventually('the worker is there', async () => ids.get(`${compound.origin}/`));
  await session.send('ServiceWorker.deliverPushMessage', { origin: compound.origin, registrationId, data: JSON.stringify(body) });
  const shown = await eventually('a notification', () =>
    wu.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready;
      const [one] = await registration.getNotifications();
      return one && { title: one.title, body: one.body, tag: one.tag };
    }));
  assert.deepEqual(shown, { title: '二级 · 井盖打开', body: '东区 · 点开查看', tag: all });
  const presented = await eventually('the receipt', async () => {
    const { timeline } = await read(wu, `/api/alarms/${all}`);
    return timeline.some((line) => line.what === 'presented');
  });
  assert.ok(presented);
  // What a touch does, told to the page by the worker.
  const worker = wu.context().serviceWorkers().find((one) => one.url().endsWith('/sw.js'));
  assert.ok(worker, 'the worker can be spoken to');
  await worker.evaluate(async (alarm) => {
    const [one] = await globalThis.registration.getNotifications({ tag: alarm });
    globalThis.dispatchEvent(new NotificationEvent('notificationclick', { notification: one }));
  }, all);
  await eventually('the alarm is open', async () => wu.url().endsWith(`#/alarm/${all}`));
  await wu.context().close();
});
