// Several phones, a phone without a network, a gateway that was restored from an older copy.
import assert from 'node:assert/strict';
import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  Compound, SCREENSHOTS, cover, detail, eventually, fullScreen, ids, live, offline, rows,
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

async function raised(device) {
  cover(compound, device, true);
  await fullScreen(wu).waitFor();
  return fullScreen(wu).getAttribute('data-alarm');
}

test('a phone that nothing happens to keeps one socket', async () => {
  const page = await wu.context().newPage();
  let opened = 0;
  page.on('websocket', () => { opened += 1; });
  await page.goto(`${compound.origin}/`);
  await live(page).waitFor({ state: 'attached' });
  await page.waitForTimeout(1_500);
  assert.equal(opened, 1);
  await page.close();
  await wu.reload();
  await live(wu).waitFor({ state: 'attached' });
});

test('two who accept at the same moment: one has it, the other is told who', async () => {
  const id = await raised('cover-21');
  await fullScreen(li).waitFor();
  await wu.waitForTimeout(800);
  // Both commands leave before either answer is back: the phones' own sockets are too quick for two thumbs.
  const accept = (page, cid) => page.evaluate(async ([id, cid]) => {
    const body = JSON.stringify({ cid, op: 'accept', id, rev: 1 });
    const answer = await fetch('/api/cmd', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    return answer.json();
  }, [id, cid]);
  const answers = await Promise.all([accept(wu, 'both-wu'), accept(li, 'both-li')]);
  const refused = answers.filter((answer) => answer.t === 'err');
  assert.deepEqual(answers.map((answer) => answer.t).sort(), ['err', 'ok']);
  assert.equal(refused[0].code, 'taken');
  const winner = answers[0].t === 'ok' ? 'wu' : 'li';
  assert.equal(refused[0].by.id, winner);
  await fullScreen(wu).waitFor({ state: 'detached' });
  await fullScreen(li).waitFor({ state: 'detached' });
  const found = await detail(wu, id);
  assert.equal(found.timeline.filter((line) => line.what === 'accepted').length, 1);
});

test('an officer with two phones has every alarm on both, and one silences the other', async () => {
  const second = await compound.phone('wu');
  const id = await raised('cover-22');
  await fullScreen(second).waitFor();
  assert.equal(await fullScreen(second).getAttribute('data-alarm'), id);
  await second.waitForTimeout(800);
  await second.getByRole('button', { name: '接警', exact: true }).click();
  await fullScreen(wu).waitFor({ state: 'detached', timeout: 2_000 });
  const found = await detail(wu, id);
  assert.equal(found.a.accepted_by.id, 'wu');
  assert.equal(found.timeline.filter((line) => line.what === 'stored' && line.to?.id !== 'li').length >= 2, true);
  await second.context().close();
});

test('without a network the app starts with the kept list, and says how old it is', { timeout: 60_000 }, async () => {
  await wu.evaluate(() => navigator.serviceWorker.ready);
  const before = (await ids(wu)).sort();
  assert.ok(before.length > 0);
  compound.line.cut();
  const page = await wu.context().newPage();
  await page.goto(`${compound.origin}/`);
  await rows(page).first().waitFor({ timeout: 10_000 });
  assert.deepEqual((await ids(page)).sort(), before);
  await offline(page).waitFor();
  await page.locator('.age', { hasText: '前的情况' }).first().waitFor();
  await page.screenshot({ path: join(SCREENSHOTS, 'cold-offline.zh.png') });
  await page.close();
  compound.line.mend();
  await live(wu).waitFor({ state: 'attached', timeout: 30_000 });
});

test('accepted without a network, closed, opened again without one, connected: sent once', { timeout: 90_000 }, async () => {
  const id = await raised('cover-23');
  compound.line.cut();
  await offline(wu).waitFor({ state: 'attached' });
  await wu.waitForTimeout(800);
  await wu.getByRole('button', { name: '接警', exact: true }).click();
  await wu.locator('.tag.sending').first().waitFor({ state: 'attached' });
  await wu.reload();
  await wu.locator('.tag.sending').first().waitFor({ state: 'attached' });
  compound.line.mend();
  await live(wu).waitFor({ state: 'attached', timeout: 30_000 });
  const found = await eventually('the acceptance arrives', async () => {
    const now = await detail(wu, id);
    return now.a.accepted_by && now;
  });
  assert.equal(found.a.accepted_by.id, 'wu');
  assert.equal(found.timeline.filter((line) => line.what === 'accepted').length, 1);
});

test('a gateway restored from an older copy: the list is never blank, and in the end it is the gateway’s', { timeout: 120_000 }, async () => {
  const data = join(compound.folder, 'data');
  assert.ok(existsSync(data));
  await compound.killGateway();
  const copy = join(compound.folder, 'copy');
  cpSync(data, copy, { recursive: true });
  await compound.startGateway();
  await live(wu).waitFor({ state: 'attached', timeout: 30_000 });
  const older = (await ids(wu)).sort();
  const lost = await raised('cover-24');
  await eventually('it is stored', async () => (await detail(wu, lost)).timeline.some((line) => line.what === 'stored'));
  await wu.waitForTimeout(800);
  await wu.getByRole('button', { name: '先放一放' }).click();
  await compound.killGateway();
  rmSync(data, { recursive: true });
  cpSync(copy, data, { recursive: true });
  await wu.evaluate(() => {
    globalThis.blank = false;
    new MutationObserver(() => {
      if (document.querySelectorAll('a.row[data-alarm]').length === 0) globalThis.blank = true;
    }).observe(document.body, { childList: true, subtree: true });
  });
  await compound.startGateway();
  await live(wu).waitFor({ state: 'attached', timeout: 40_000 });
  await eventually('what the gateway does not know is gone', async () => !(await ids(wu)).includes(lost));
  assert.deepEqual((await ids(wu)).sort(), older);
  assert.equal(await wu.evaluate(() => globalThis.blank), false);
});
