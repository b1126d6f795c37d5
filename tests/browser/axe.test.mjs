// Every screen of the app against the real gateway, in both languages and themes: no violation of WCAG 2.2 AA, no
// sideways scrolling, nothing to tap that is smaller than a thumb.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Compound, ROOT, cover, eventually, fullScreen, live, offline, picture, rows } from './support.mjs';

const AXE = join(ROOT, 'crates', 'web', 'node_modules', 'axe-core', 'axe.min.js');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

let compound;
let covers = 21;

before(async () => {
  assert.ok(existsSync(AXE), 'axe-core comes with the web app: run `npm ci` in crates/web');
  compound = await Compound.start({ line: true });
});

after(async () => compound?.stop());

async function check(page, screen) {
  await page.waitForTimeout(150);
  // What is looked at is not what an alarm covers.
  assert.equal(await fullScreen(page).isVisible(), /^(alarm|decline)\./.test(screen), `${screen} is covered`);
  await picture(page, `axe.${screen}`);
  await page.evaluate(readFileSync(AXE, 'utf8'));
  const found = await page.evaluate(async (rules) => {
    const { violations } = await axe.run({ runOnly: rules }); // eslint-disable-line no-undef
    const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    const small = [...document.querySelectorAll('button, a, summary, input:not([type=radio], [type=file])')]
      .map((e) => [e.textContent.trim().slice(0, 30), e.getBoundingClientRect().height])
      .filter(([, height]) => height > 0 && height < 60);
    return { violations: violations.map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.target).join('; ')}`), wide, small };
  }, RULES);
  assert.deepEqual(found, { violations: [], wide: 0, small: [] }, screen);
}

const go = async (page, hash, until) => {
  await page.evaluate((to) => { location.hash = to; }, hash);
  await until.waitFor();
};

for (const [locale, lang] of [['zh-CN', 'zh'], ['en', 'en']]) {
  for (const theme of ['light', 'dark']) {
    test(`every screen of an officer, ${lang}, ${theme}`, { timeout: 170_000 }, async (t) => {
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

test('the console, and the list without a line', { timeout: 120_000 }, async () => {
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
      await go(page, '#/admin/works', page.locator('form'));
      await check(page, `works.${lang}.${theme}`);
      await go(page, '#/admin/away', page.locator('[data-absences]'));
      await check(page, `absences.${lang}.${theme}`);
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
