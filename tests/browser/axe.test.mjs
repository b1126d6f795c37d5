// Every screen of the app against the real gateway, in both languages and themes: no violation of WCAG 2.2 AA, no
// sideways scrolling, nothing to tap that is smaller than a thumb.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { judged } from '../../crates/web/scripts/screens/judge.mjs';
import { Compound, cover, eventually, fullScreen, live, offline, picture, rows } from './support.mjs';

let compound;
let covers = 21;

before(async () => {
  compound = await Compound.start({ line: true });
});

after(async () => compound?.stop());

async function check(page, screen) {
  await page.waitForTimeout(150);
  // What is looked at is not what an alarm covers.
  assert.equal(await fullScreen(page).isVisible(), /^(alarm|decline)\./.test(screen), `${screen} is covered`);
  await picture(page, `axe.${screen}`);
  assert.deepEqual(await judged(page), [], screen);
}

/** The alarm's details as they are of a lift that was told something: the demo's lifts take no commands. */
async function lift(page) {
  const at = new Date().toISOString();
  const commands = ['pending', 'confirmed', 'timed_out', 'unknown'].map((state) => (
    { at, action: 'hold', state, text: { zh: '请求保持开门', en: 'asked to hold the door' } }
  ));
  await page.route('**/api/alarms/*', async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, json: { ...(await answer.json()), lift: commands } });
  });
  const address = page.url();
  await page.evaluate(() => { location.hash = '#/settings'; });
  await page.evaluate((to) => { location.hash = new URL(to).hash; }, address);
  await page.locator('[data-lift] [data-state=unknown]').scrollIntoViewIfNeeded();
  await page.unroute('**/api/alarms/*');
}

const go = async (page, hash, until) => {
  await page.evaluate((to) => { location.hash = to; }, hash);
  await until.waitFor();
};

for (const [locale, lang] of [['zh-CN', 'zh'], ['en', 'en']]) {
  for (const theme of ['light', 'dark']) {
    test(`every screen of an officer, ${lang}, ${theme}`, { timeout: 240_000 }, async (t) => {
      const name = (screen) => `${screen}.${lang}.${theme}`;
      const say = (zh, en) => (lang === 'zh' ? zh : en);
      const context = await compound.browser.newContext({ viewport: { width: 360, height: 640 }, locale, colorScheme: theme });
      t.after(() => context.close());
      const page = await context.newPage();
      const button = (zh, en) => page.getByRole('button', { name: new RegExp(`^${say(zh, en)}`) });
      await page.goto(compound.link('wu'));
      await button('绑定', 'Link').waitFor();
      await check(page, name('enrol'));
      await button('绑定', 'Link').click();
      await page.locator('button.start').waitFor();
      await check(page, name('duty'));
      await go(page, '#/', page.locator('h1').first());
      await live(page).waitFor({ state: 'attached' });
      for (const screen of ['settings', 'team', 'away', 'history', 'report', 'pin']) {
        await go(page, `#/${screen}`, page.locator('h1').first());
        await page.waitForTimeout(300);
        await check(page, name(screen));
      }
      await go(page, '#/team', page.locator('[data-handover]'));
      await button('签字交班', 'Sign to hand over').click();
      await page.locator('dialog.sheet[open]').waitFor();
      await check(page, name('handover'));
      await button('取消', 'Cancel').click();
      await go(page, '#/report', page.locator('[data-place]').first());
      await button('消防通道', 'Fire lane').click();
      await page.locator('[data-place]').first().click();
      await check(page, name('report-filled'));
      await go(page, '#/', page.locator('h1').first());
      if (!(await fullScreen(page).isVisible())) {
        if ((await rows(page).count()) === 0) await check(page, name('empty'));
        cover(compound, `cover-${covers += 1}`, true);
      }
      await fullScreen(page).waitFor();
      await page.waitForTimeout(800);
      await check(page, name('alarm'));
      await button('无法前往', 'Cannot go').click();
      await page.locator('dialog.sheet[open]').waitFor();
      await check(page, name('decline'));
      await button('取消', 'Cancel').click();
      await button('接警', 'Accept').click();
      // Whatever else is calling is left for later.
      for (;;) {
        await page.waitForTimeout(900);
        if (!(await fullScreen(page).isVisible())) break;
        await button('先放一放', 'Set aside').click();
      }
      await page.locator('ol.advice').waitFor();
      await check(page, name('detail'));
      await lift(page);
      await check(page, name('lift'));
      await button('其他操作', 'Other actions').click();
      await page.locator('dialog.sheet[open]').waitFor();
      await check(page, name('actions'));
      await button('处理结果', 'Outcome').click();
      await page.getByRole('radio').first().waitFor();
      await check(page, name('outcome'));
      await page.getByRole('radio').first().check();
      await button('取消', 'Cancel').click();
      await go(page, '#/', rows(page).first());
      await check(page, name('list'));
      await page.evaluate(() => fetch('/api/pin', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ pin: '739146', old: '739146' }) }));
      await context.addInitScript(() => localStorage.setItem('wanglou.seen', String(Date.now() - 86_400_000)));
      await page.reload();
      await button('解锁', 'Unlock').waitFor({ state: 'attached' });
      for (;;) {
        if (!(await fullScreen(page).isVisible())) break;
        await page.waitForTimeout(800);
        await button('先放一放', 'Set aside').click();
      }
      await check(page, name('lock'));
    });
  }
}

test('the console, and the list without a line', { timeout: 240_000 }, async () => {
  for (const [locale, lang] of [['zh-CN', 'zh'], ['en', 'en']]) {
    for (const theme of ['light', 'dark']) {
      const page = await compound.phone('he', locale, theme);
      for (let n = 0; n < 8 && (await fullScreen(page).isVisible()); n += 1) {
        await page.waitForTimeout(800);
        await page.getByRole('button', { name: lang === 'zh' ? '先放一放' : 'Set aside' }).click();
      }
      await go(page, '#/admin', page.locator('h1').first());
      await page.locator('h2').nth(2).waitFor();
      await check(page, `console.${lang}.${theme}`);
      await go(page, '#/admin/figures', page.locator('[data-chart=devices] canvas'));
      await check(page, `figures.${lang}.${theme}`);
      await page.locator('[data-chart=reach] summary').click();
      await check(page, `figures-table.${lang}.${theme}`);
      await go(page, '#/admin/works', page.locator('form'));
      await check(page, `works.${lang}.${theme}`);
      const button = (zh, en) => page.getByRole('button', { name: new RegExp(`^${lang === 'zh' ? zh : en}`) });
      await button('停用维护', 'Out of service').click();
      await page.getByLabel(/找设备或地点|Find a device/).fill('cover-17');
      await page.locator('[data-choice="cover-17"]').click();
      await check(page, `works-filled.${lang}.${theme}`);
      await go(page, '#/admin/away', page.locator('[data-absences]'));
      await check(page, `absences.${lang}.${theme}`);
      await page.evaluate(() => fetch('/api/pin', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ pin: '739146', old: '739146' }) }));
      await button('查看名单', 'Show the list').click();
      await page.locator('[data-home]').first().waitFor();
      await check(page, `absences-shown.${lang}.${theme}`);
      await page.locator('[data-home="1/1/201"]').getByRole('button').click();
      await page.locator('dialog.sheet[open]').waitFor();
      await check(page, `absence.${lang}.${theme}`);
      await button('取消', 'Cancel').click();
      await go(page, '#/', page.locator('h1').first());
      compound.line.cut();
      await offline(page).waitFor({ timeout: 20_000 });
      await check(page, `offline.${lang}.${theme}`);
      compound.line.mend();
      await page.context().close();
    }
  }
  await eventually('the line is up', async () => (await fetch(`${compound.origin}/healthz`)).status < 600);
});
