// The PIN: a phone that was away is locked, an alarm comes through all the same, and a forgotten PIN is taken away by the
// manager.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Compound, cover, fullScreen, live, offline, picture, rows, tap } from './support.mjs';

let compound;
let wu;

before(async () => {
  compound = await Compound.start({ line: true });
  wu = await compound.phone('wu');
});

after(async () => compound?.stop());

const form = (page) => page.locator('form', { has: page.getByLabel('PIN', { exact: true }) });
async function give(page, pin) {
  await page.getByLabel('PIN', { exact: true }).fill(pin);
  await page.getByRole('button', { name: '解锁' }).click();
}
/** Away for an hour, as a phone in a drawer. */
async function away(page) {
  await page.context().addInitScript(() => {
    if (!sessionStorage.getItem('away')) localStorage.setItem('wanglou.seen', String(Date.now() - 3_600_000));
    sessionStorage.setItem('away', 'done');
  });
  await page.evaluate(() => sessionStorage.removeItem('away'));
  await page.reload();
}

test('a PIN is chosen in the settings, and one that anybody would try is refused in words', async () => {
  await wu.evaluate(() => { location.hash = '#/settings'; });
  await wu.getByRole('link', { name: '设置 PIN' }).click();
  const [first, second] = [wu.getByLabel('新的 PIN'), wu.getByLabel('再输一遍')];
  await first.fill('1234');
  await second.fill('1234');
  await wu.getByRole('button', { name: '保存' }).click();
  await wu.getByText('太容易猜到').waitFor();
  await first.fill('739146');
  await second.fill('739145');
  await wu.getByRole('button', { name: '保存' }).click();
  await wu.getByText('两次不一样').waitFor();
  await second.fill('739146');
  await wu.getByRole('button', { name: '保存' }).click();
  await wu.getByRole('link', { name: '更换 PIN' }).waitFor();
});

test('after an hour away it is locked; an alarm rings over the lock and is accepted without the PIN', async () => {
  await away(wu);
  await form(wu).waitFor();
  await live(wu).waitFor({ state: 'attached' });
  cover(compound, 'cover-30', true);
  await fullScreen(wu).waitFor();
  await picture(wu, 'locked-alarm.zh');
  await tap(wu, '接警');
  await fullScreen(wu).waitFor({ state: 'detached' });
  await form(wu).waitFor();
  assert.equal(await rows(wu).count(), 0, 'what is behind it waits');
  await give(wu, '1111');
  await wu.getByText('还可以试 4 次').waitFor();
  await give(wu, '739146');
  await wu.locator('ol.advice').waitFor();
  await wu.reload();
  await live(wu).waitFor({ state: 'attached' });
  assert.equal(await form(wu).count(), 0, 'who was just here is not asked');
});

test('without a network the PIN that was right on this phone opens it', { timeout: 60_000 }, async () => {
  await wu.evaluate(() => navigator.serviceWorker.ready);
  compound.line.cut();
  await away(wu);
  await form(wu).waitFor();
  await give(wu, '1111');
  await wu.getByText('没有网络，且 PIN 不对').waitFor();
  await give(wu, '739146');
  await form(wu).waitFor({ state: 'detached' });
  await offline(wu).waitFor({ state: 'attached' });
  compound.line.mend();
  await live(wu).waitFor({ state: 'attached', timeout: 30_000 });
});

test('the manager takes a forgotten PIN away, and the phone asks no more', async () => {
  const manager = await compound.phone('he', 'en');
  await manager.goto(`${compound.origin}/#/admin`);
  const reset = manager.getByRole('button', { name: /Reset the PIN/ }).first();
  await reset.scrollIntoViewIfNeeded();
  const box = await reset.boundingBox();
  await manager.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await manager.mouse.down();
  await reset.waitFor({ state: 'detached' });
  await manager.mouse.up();
  await away(wu);
  await live(wu).waitFor({ state: 'attached' });
  assert.equal(await form(wu).count(), 0);
  assert.equal((await wu.evaluate(async () => (await (await fetch('/api/session')).json()).pin)).set, false);
});
