// When the line, the gateway or a session goes: nothing is lost, doubled or shown as if it were fresh.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import {
  Compound, cover, detail, eventually, fullScreen, ids, live, offline, picture, rows, tap, tiltedCover, water,
} from './support.mjs';

let compound;
let wu;
let li;

before(async () => {
  compound = await Compound.start({ line: true });
  wu = await compound.phone('wu');
  li = await compound.phone('li', 'en');
});

after(async () => compound?.stop());

/** Takes every alarm that comes up; returns their ids in that order. */
async function takeAll(page, count) {
  const taken = [];
  for (let n = 0; n < count; n += 1) {
    const next = page.locator(`dialog.alarm[data-alarm]${taken.map((id) => `:not([data-alarm="${id}"])`).join('')}`);
    await next.waitFor({ timeout: 20_000 });
    taken.push(await next.getAttribute('data-alarm'));
    await tap(page, '接警');
  }
  await fullScreen(page).waitFor({ state: 'detached' });
  return taken;
}

test('what is raised while the line is cut comes once when it is mended, the most urgent first', async () => {
  compound.line.cut();
  await offline(wu).waitFor({ state: 'attached' });
  await offline(li).waitFor({ state: 'attached' });
  await picture(wu, 'offline.zh');
  await picture(li, 'offline.en');
  water(compound, 'cover-62', 200);
  cover(compound, 'cover-61', true);
  tiltedCover(compound, 70);
  assert.equal(await rows(wu).count(), 0);
  compound.line.mend();
  await live(wu).waitFor({ state: 'attached', timeout: 30_000 });
  const taken = await takeAll(wu, 3);
  const details = await Promise.all(taken.map((id) => detail(wu, id)));
  assert.deepEqual(details.map((d) => [d.a.prio, d.a.place.id]), [[1, 'cover/91'], [2, 'cover/61'], [3, 'cover/62']]);
  assert.deepEqual((await ids(wu)).sort(), [...taken].sort(), 'each is in the list once');
  assert.deepEqual(details.map((d) => d.a.count), [1, 1, 1]);
  await live(li).waitFor({ state: 'attached', timeout: 30_000 });
});

test('an acceptance falls silent on the other phone within a second', async () => {
  cover(compound, 'cover-63', true);
  await fullScreen(wu).waitFor();
  await fullScreen(li).waitFor();
  const id = await fullScreen(li).getAttribute('data-alarm');
  const gone = li.evaluate((alarm) => new Promise((done) => {
    const look = () => document.querySelector(`dialog.alarm[data-alarm="${alarm}"]`) || done(Date.now());
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true, attributes: true });
    look();
  }), id);
  await wu.evaluate(() => addEventListener('click', () => { globalThis.tapped ??= Date.now(); }, { capture: true }));
  await tap(wu, '接警');
  const tapped = await wu.evaluate(() => globalThis.tapped);
  const took = (await gone) - tapped;
  assert.ok(took <= 1_000, `it took ${took} ms`);
  await rows(li).filter({ hasText: '吴样例' }).first().waitFor();
  await picture(li, 'taken.en');
});

test('an acceptance without a line is kept over a reload and sent once', async () => {
  cover(compound, 'cover-64', true);
  await fullScreen(wu).waitFor();
  const id = await fullScreen(wu).getAttribute('data-alarm');
  compound.line.cut();
  await tap(wu, '接警');
  await wu.locator('.tag.sending').first().waitFor({ state: 'attached' });
  await picture(wu, 'sending.zh');
  // The gateway serves the page too: it can be reloaded only once the line is back.
  compound.line.mend();
  await wu.reload();
  await live(wu).waitFor({ state: 'attached', timeout: 30_000 });
  const shown = await eventually('the acceptance arrives', async () => {
    const found = await detail(wu, id);
    return found.a.accepted_by && found;
  });
  assert.equal(shown.a.accepted_by.id, 'wu');
  assert.equal(shown.timeline.filter((line) => line.what === 'accepted').length, 1);
  await eventually('nothing waits any more', async () => (await wu.locator('.tag.sending').count()) === 0);
});

test('a gateway that is killed in the middle of twenty alarms loses none and doubles none', async () => {
  await live(li).waitFor({ state: 'attached', timeout: 30_000 });
  const before = await rows(li).count();
  for (let n = 0; n < 20; n += 1) {
    cover(compound, `cover-${65 + n}`, true);
    if (n === 10) await compound.killGateway();
  }
  await offline(li).waitFor({ state: 'attached' });
  await compound.startGateway();
  await eventually('all are in the list', async () => (await rows(li).count()) >= before + 20, 60_000);
  const all = await ids(li);
  assert.equal(all.length, before + 20);
  assert.equal(new Set(all).size, all.length, 'each once');
  const details = await Promise.all(all.map((id) => detail(li, id)));
  assert.deepEqual(details.filter((d) => d.a.count !== 1).map((d) => d.a.place.id), []);
  await picture(li, 'many.en');
});

test('a page of another origin in the same browser can neither listen nor act', async () => {
  const server = createServer((_, answer) => answer.end('<!doctype html><title>evil</title>')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const waiting = (await Promise.all((await ids(wu)).map((id) => detail(wu, id)))).find((d) => d.a.state === 'open');
  assert.ok(waiting, 'an alarm waits');
  const evil = await wu.context().newPage();
  await evil.goto(`http://127.0.0.1:${server.address().port}/`);
  const tried = await evil.evaluate(async ({ origin, id }) => {
    const opened = await new Promise((done) => {
      const socket = new WebSocket(`${origin.replace('http', 'ws')}/ws`, ['wanglou.v1']);
      socket.onopen = () => done(true);
      socket.onerror = () => done(false);
    });
    const body = JSON.stringify({ cid: 'evil-1', op: 'accept', id });
    const post = (type) => fetch(`${origin}/api/cmd`,
      { method: 'POST', mode: 'no-cors', credentials: 'include', headers: { 'content-type': type }, body }).catch(() => null);
    await post('application/json');
    await post('text/plain');
    const read = await fetch(`${origin}/api/session`, { credentials: 'include' }).then(() => true, () => false);
    return { opened, read };
  }, { origin: compound.origin, id: waiting.a.id });
  assert.deepEqual(tried, { opened: false, read: false });
  assert.equal((await detail(wu, waiting.a.id)).a.accepted_by, null);
  await evil.close();
  server.close();
});

test('a line that carries nothing is given up within 45 seconds, and the phone says so meanwhile', { timeout: 120_000 }, async () => {
  compound.line.hang();
  const since = Date.now();
  await offline(li).waitFor({ state: 'attached', timeout: 60_000 });
  assert.ok(Date.now() - since <= 50_000, `it took ${Date.now() - since} ms`);
  water(compound, 'cover-85', 100);
  compound.line.mend();
  await live(li).waitFor({ state: 'attached', timeout: 60_000 });
  await eventually('what was raised meanwhile is there', async () =>
    (await Promise.all((await ids(li)).map((id) => detail(li, id)))).some((d) => d.a.place.id === 'cover/85' && d.a.prio === 3));
});

test('a revoked session ends on the phone, and leaves no alarm there', async () => {
  const manager = await compound.phone('he');
  const revoked = await manager.evaluate(async () => {
    const sessions = await (await fetch('/api/admin/sessions')).json();
    const mine = sessions.filter((session) => session.officer === 'wu');
    const answers = await Promise.all(mine.map((session) =>
      fetch(`/api/admin/sessions?id=${session.id}`, { method: 'DELETE' })));
    return answers.map((answer) => answer.status);
  });
  assert.deepEqual(revoked, [204]);
  await wu.locator('input.code').waitFor({ timeout: 60_000 });
  assert.equal(await rows(wu).count(), 0);
  await picture(wu, 'revoked.zh');
});
