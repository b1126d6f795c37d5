// The console's charts and entries, a handover with two signatures, and a plan without a network, in a real browser
// against the real gateway.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Compound, command, cover, eventually, fullScreen, live, offline, picture, rows, tap } from './support.mjs';

let compound;

before(async () => {
  compound = await Compound.start({ line: true });
});

after(async () => compound?.stop());

const button = (page, name) => page.getByRole('button', { name });
/** By the keyboard: what cannot be taken back is pressed twice. */
const pressTwice = async (found) => {
  await found.focus();
  await found.press('Enter');
  await found.press('Enter');
};

test('the charts say in words and in a table what they draw, for managers alone', { timeout: 60_000 }, async () => {
  for (let n = 0; n < 5; n += 1) cover(compound, 'cover-66', false);
  const he = await compound.phone('he', 'zh-CN', 'dark');
  await he.goto(`${compound.origin}/#/admin/figures`);
  await he.locator('[data-chart=devices] canvas').waitFor();
  assert.equal(await he.locator('[data-chart]').count(), 8);
  assert.match(await he.locator('.console-page header').innerText(), /望楼于 .* 启动/);
  const ingest = he.locator('[data-chart=ingest]');
  assert.match(await ingest.locator('li').first().innerText(), /告警通道[\s\S]*条\/秒/);
  await ingest.locator('summary').focus();
  await he.keyboard.press('Enter');
  assert.ok((await ingest.locator('tbody tr').count()) > 0, 'the numbers, by the keyboard');
  assert.equal(await he.locator('[data-chart] .drawing:not([aria-hidden=true])').count(), 0, 'the drawing is said in words');
  assert.match(await he.locator('[data-list=chatty]').innerText(), /cover-66/);
  // What the page draws is what the gateway tells Prometheus.
  const text = await (await fetch(`http://127.0.0.1:${compound.metrics}/metrics`)).text();
  const never = text.split('\n').find((line) => line.startsWith('wanglou_devices') && line.includes('never_heard'))?.split(' ')[1];
  await eventually('the same figure', async () => (await he.locator('[data-chart=devices] li').nth(1).innerText()).includes(`现在 ${never}`), 20_000);
  await picture(he, 'console-figures');
  await he.context().close();
  const wu = await compound.phone('wu');
  assert.equal(await wu.evaluate(async () => (await fetch('/api/admin/figures')).status), 403);
  await wu.context().close();
});

test('works are entered, listed and ended in the console', { timeout: 60_000 }, async () => {
  const he = await compound.phone('he', 'en');
  await he.goto(`${compound.origin}/#/admin/works`);
  await button(he, 'Out of service').click();
  await he.getByLabel('Find a device or place').fill('cover-67');
  await he.locator('[data-choice="cover-67"]').click();
  await button(he, '2 h').click();
  assert.ok(await button(he, 'Enter').isDisabled(), 'without a reason there is none');
  await he.getByLabel('Why').fill('new lid');
  await button(he, 'Enter').click();
  const entry = he.locator('[data-works] li[data-how=out_of_service]');
  await entry.waitFor();
  assert.match(await entry.innerText(), /cover-67[\s\S]*new lid/);
  await pressTwice(entry.getByRole('button'));
  await entry.waitFor({ state: 'detached' });
  await he.context().close();
});

test('a list goes from hand to hand by two signatures, each on its own phone', { timeout: 90_000 }, async () => {
  const [wu, li] = [await compound.phone('wu'), await compound.phone('li')];
  cover(compound, 'cover-68', true);
  await fullScreen(wu).waitFor();
  await tap(wu, '接警');
  await fullScreen(wu).waitFor({ state: 'detached' });
  for (const page of [wu, li]) await page.evaluate(() => { location.hash = '#/team'; });
  await wu.locator('[data-handover]').getByRole('button', { name: '签字交班' }).click();
  await pressTwice(wu.locator('dialog [data-to=li] button'));
  await wu.getByText(/已签字，等 .* 签收/).first().waitFor();
  const take = li.locator('[data-handover]').getByRole('button', { name: /签收接班/ });
  await take.waitFor({ timeout: 15_000 });
  await pressTwice(take);
  await li.getByText('已接班，告警在你手上了。').waitFor();
  await li.evaluate(() => { location.hash = '#/'; });
  await eventually('it is theirs', async () => /你已接警/.test(await rows(li).first().innerText()));
  for (const page of [wu, li]) await page.context().close();
});

test('who is away is shown after the PIN alone', { timeout: 60_000 }, async () => {
  const he = await compound.phone('he');
  await he.evaluate(() => { location.hash = '#/away'; });
  await button(he, '查看名单').click();
  await he.getByText(/PIN/).last().waitFor();
  assert.equal(await he.locator('[data-home]').count(), 0);
  await he.evaluate(() => fetch('/api/pin', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ pin: '739146', old: '' }) }));
  await button(he, '查看名单').click();
  await he.locator('[data-home="1/1/201"]').getByRole('button').click();
  await button(he, '住院').click();
  await button(he, '登记').last().click();
  await eventually('it is entered', async () => /住院/.test(await he.locator('[data-home="1/1/201"]').innerText()));
  await he.context().close();
});

test('the plan of an alarm that nobody opened is there without a network', { timeout: 90_000 }, async () => {
  const wu = await compound.phone('wu');
  cover(compound, 'cover-69', true);
  await fullScreen(wu).waitFor();
  const id = await fullScreen(wu).getAttribute('data-alarm');
  await eventually('its place is kept', () => wu.evaluate(async (alarm) => {
    const kept = await (await caches.match('/pins', { cacheName: 'wanglou-plans' }))?.json();
    return kept?.pins[alarm] && (await (await caches.open('wanglou-plans')).keys()).length > 1;
  }, id));
  await command(wu, { cid: `console-${Date.now()}`, op: 'accept', id });
  compound.line.cut();
  await offline(wu).waitFor({ state: 'attached', timeout: 20_000 });
  await wu.evaluate((alarm) => { location.hash = `#/alarm/${alarm}`; }, id);
  await wu.locator('.plan img').evaluate((image) => image.decode());
  await wu.locator('.plan').scrollIntoViewIfNeeded();
  await picture(wu, 'plan-offline');
  compound.line.mend();
  await live(wu).waitFor({ state: 'attached', timeout: 30_000 });
  await wu.context().close();
});
