// Pictures of every screen, in both languages and themes, at phone size, into
// screenshots/ (not committed), each one checked by axe. Fails on any axe
// violation, console error, refused resource or sideways scrolling.
//
//   npm run build && npm run screens
//   node scripts/screens.mjs alarm en-dark       one screen, one variant; `all` for every
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { startMock } from '../mock/server.mjs';
import { launch } from './browser.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const OUT = new URL('../screenshots/', import.meta.url).pathname;
const PHONE = { width: 360, height: 640 };

const front = (page) => page.locator('dialog.alarm');
/** Buttons that come up by themselves ignore the first moment, see settled.ts. */
const SETTLE_MS = 700;
const settle = (page) => page.waitForTimeout(SETTLE_MS);
const setAside = async (page) => {
  await front(page).waitFor();
  await settle(page);
  await page.getByRole('button', { name: /先放一放|Set aside/ }).click();
};
const button = (page, zh, en) => page.getByRole('button', { name: new RegExp(`^(${zh}|${en})`) });

/** Every chart of the console's figures has its lines. */
async function drawn(page) {
  await page.locator('[data-figures=hour] [data-chart=devices] canvas').waitFor();
  await page.waitForTimeout(100);
}
const scrollTo = (page, selector) => page.locator(selector).evaluate((e) => e.scrollIntoView({ block: 'start' }));

/** Who is away is shown after the PIN. */
async function absences(page) {
  await button(page, '查看名单', 'Show the list').click();
  await page.getByLabel('PIN').fill('5050');
  await button(page, '解锁', 'Unlock').click();
  await page.locator('[data-absences=shown] [data-home]').first().waitFor();
}

/** Each screen: the mock's scene, where to go, what to do there. */
const SCREENS = {
  loading: { scene: ['calm', 'stall'], show: (p) => p.locator('[data-message=loading]').waitFor() },
  offline: { scene: ['calm', 'cut'], show: (p) => p.locator('[data-message=offline]').waitFor() },
  empty: { scene: ['empty'], show: (p) => p.locator('[data-message=empty]').waitFor() },
  list: { scene: ['calm'], show: (p) => p.locator('[data-phase=live]').waitFor() },
  'list-busy': { scene: ['busy'], show: setAside },
  'list-offline': {
    scene: ['calm'],
    async show(p, mock) {
      await p.locator('[data-phase=live]').waitFor();
      await mock('cut');
      await p.locator('[data-phase=offline]').first().waitFor();
    },
  },
  'list-syncing': {
    scene: ['calm'],
    async show(p, mock) {
      await p.locator('[data-phase=live]').waitFor();
      await mock('stall');
      await mock('cut');
      await p.locator('[data-phase=offline]').first().waitFor();
      await mock('mend');
      await mock('stall');
      // The next try may be 20 s away.
      await p.locator('[data-phase=syncing]').first().waitFor({ timeout: 25_000 });
    },
  },
  alarm: { scene: ['busy'], show: (p) => front(p).waitFor() },
  'alarm-no-picture': {
    scene: ['busy'],
    async show(p) {
      await p.route('**/api/evidence/**', (route) =>
        route.fulfill({ status: 404, json: { code: 'host_not_allowed', text: { zh: '主机不在允许名单', en: 'host not allowed' } } }),
      );
      await p.reload();
      await p.getByText(/证据未取得|Picture not fetched/).first().waitFor();
    },
  },
  'alarm-level2': {
    scene: ['calm'],
    async show(p, mock) {
      await p.locator('[data-phase=live]').waitFor();
      await mock('raise/ebike');
      await front(p).waitFor();
    },
  },
  'alarm-test': { scene: ['drill'], show: (p) => front(p).waitFor() },
  'alarm-next': {
    scene: ['busy'],
    async show(p) {
      await front(p).waitFor();
      await settle(p);
      await button(p, '接警', 'Accept').click();
      await p.locator('dialog.alarm.level-2').waitFor();
    },
  },
  decline: {
    scene: ['busy'],
    async show(p) {
      await front(p).waitFor();
      await settle(p);
      await button(p, '无法前往', 'Cannot go').click();
      await p.locator('dialog.sheet[open]').waitFor();
    },
  },
  accepted: {
    scene: ['drill'],
    async show(p) {
      await front(p).waitFor();
      await settle(p);
      await button(p, '接警', 'Accept').click();
      await p.locator('.undo:visible').waitFor();
      await p.locator('ol.advice').waitFor();
    },
  },
  detail: { scene: ['calm'], at: '#/alarm/al_alone', show: (p) => p.locator('ol.advice').waitFor() },
  'detail-more': {
    scene: ['calm'],
    at: '#/alarm/al_alone',
    async show(p) {
      await p.locator('ol.advice').waitFor();
      await p.locator('article .body').evaluate((e) => e.scrollTo(0, e.scrollHeight));
    },
  },
  lock: {
    scene: ['calm', 'pin'],
    async show(p) {
      await p.locator('[data-phase=live]').waitFor();
      // Away for a day.
      await p.addInitScript(() => localStorage.setItem('wanglou.seen', String(Date.now() - 86_400_000)));
      await p.reload();
      await p.getByLabel('PIN').fill('1357');
      await button(p, '解锁', 'Unlock').click();
      await p.getByText(/PIN 不对|Wrong PIN/).waitFor();
    },
  },
  pin: { scene: ['calm'], at: '#/pin', show: (p) => button(p, '保存', 'Save').waitFor() },
  resident: {
    scene: ['calm', 'pin'],
    at: '#/alarm/al_alone',
    async show(p) {
      await button(p, '查看住户', 'Show resident').click();
      await p.getByLabel('PIN').fill('5050');
      await button(p, '解锁', 'Unlock').click();
      await p.locator('a.call').first().scrollIntoViewIfNeeded();
    },
  },
  'other-actions': {
    scene: ['calm'],
    at: '#/alarm/al_alone',
    async show(p) {
      await button(p, '其他操作', 'Other actions').click();
      await p.locator('dialog.sheet[open]').waitFor();
    },
  },
  'detail-plan': {
    scene: ['calm'],
    at: '#/alarm/al_alone',
    show: (p) => p.locator('.plan img').evaluate((image) => image.decode().then(() => image.scrollIntoView({ block: 'center' }))),
  },
  'detail-plan-offline': {
    scene: ['calm'],
    at: '#/alarm/al_alone',
    async show(p, mock) {
      await p.locator('.plan img').evaluate((image) => image.decode());
      await p.waitForTimeout(500);
      await mock('down');
      await p.reload();
      await p.locator('.plan img').waitFor();
      await p.locator('.plan img').evaluate((image) => image.decode().then(() => image.scrollIntoView({ block: 'center' })));
    },
  },
  'resolve-photo': {
    scene: ['calm'],
    at: '#/alarm/al_alone',
    async show(p) {
      await button(p, '其他操作', 'Other actions').click();
      await button(p, '处理结果', 'Outcome').click();
      await p.getByText(/人员平安|Person is well/).click();
      await p.locator('input[type=file]').setInputFiles(new URL('../public/icons/icon-512.png', import.meta.url).pathname);
      await p.locator('.photos img').waitFor();
      await p.locator('dialog.sheet').evaluate((e) => e.scrollTo(0, e.scrollHeight));
    },
  },
  resolve: {
    scene: ['calm'],
    at: '#/alarm/al_alone',
    async show(p) {
      await button(p, '其他操作', 'Other actions').click();
      await button(p, '处理结果', 'Outcome').click();
      await p.getByText(/人员平安|Person is well/).click();
    },
  },
  'detail-pending': {
    scene: ['calm'],
    at: '#/alarm/al_alone',
    async show(p, mock) {
      await p.locator('ol.advice').waitFor();
      await mock('down');
      await p.locator('article [data-phase=offline]').waitFor();
      await button(p, '到达', 'I am here').click();
      await p.locator('article .tag.sending').waitFor();
    },
  },
  taken: {
    scene: ['calm'],
    async show(p, mock) {
      await p.locator('[data-phase=live]').waitFor();
      await mock('raise/ebike');
      await mock('taken/al_ebike');
      await front(p).waitFor();
      await settle(p);
      await button(p, '接警', 'Accept').click();
      await p.locator('.notice:visible').waitFor();
    },
  },
  enrol: { scene: ['guest'], at: '#enrol=K7QMR2XW9DPT', show: (p) => p.locator('form').waitFor() },
  'enrol-wrong': {
    scene: ['guest'],
    async show(p) {
      await p.locator('input.code').fill('AAAA BBBB CCCC');
      await button(p, '绑定', 'Link').click();
      await p.locator('.answer:not(:empty)').waitFor();
    },
  },
  settings: { scene: ['calm'], at: '#/settings', show: (p) => p.locator('dl').first().waitFor() },
  logout: {
    scene: ['calm'],
    at: '#/settings',
    async show(p) {
      await button(p, '退出登录', 'Log out').click();
      await p.locator('dialog.sheet[open]').waitFor();
    },
  },
  duty: { scene: ['calm'], at: '#/duty', show: (p) => p.locator('[data-check=connection][data-mark=good]').waitFor() },
  'duty-ask': {
    scene: ['calm', 'push'],
    at: '#/duty',
    async show(p) {
      await p.locator('[data-check=push]').scrollIntoViewIfNeeded();
      await button(p, '试听', 'Try the sound').click();
    },
  },
  'duty-end': {
    scene: ['calm'],
    at: '#/duty',
    async show(p) {
      await p.locator('[data-check=connection][data-mark=good]').waitFor();
      await p.locator('main').evaluate((e) => e.scrollTo(0, e.scrollHeight));
    },
  },
  team: { scene: ['calm'], at: '#/team', show: (p) => p.locator('[data-officer]').first().waitFor() },
  'team-rota': {
    scene: ['calm'],
    at: '#/team',
    async show(p) {
      await p.locator('[data-officer]').first().waitFor();
      await button(p, '周日', 'Sun').click();
      await p.locator('main').evaluate((e) => e.scrollTo(0, e.scrollHeight));
    },
  },
  history: { scene: ['calm'], at: '#/history', show: (p) => p.locator('li').first().waitFor() },
  report: { scene: ['calm'], at: '#/report', show: (p) => p.locator('[data-place]').first().waitFor() },
  'report-filled': {
    scene: ['calm'],
    at: '#/report',
    async show(p) {
      await button(p, '消防通道', 'Fire lane').click();
      await p.locator('[data-place]').first().click();
      await p.locator('textarea').fill('-');
      await p.locator('main').evaluate((e) => e.scrollTo(0, e.scrollHeight));
    },
  },
  transfer: {
    scene: ['calm'],
    at: '#/alarm/al_alone',
    async show(p) {
      await button(p, '其他操作', 'Other actions').click();
      await button(p, '转交', 'Hand over').click();
      await p.locator('[data-to]').first().waitFor();
    },
  },
  shelve: {
    scene: ['calm'],
    at: '#/alarm/al_alone',
    async show(p) {
      await button(p, '其他操作', 'Other actions').click();
      await button(p, '暂时搁置', 'Shelve').click();
      await p.locator('dialog.sheet textarea').fill('x');
    },
  },
  'settings-more': {
    scene: ['calm'],
    at: '#/settings',
    async show(p) {
      await p.locator('dl').first().waitFor();
      await p.locator('main').evaluate((e) => e.scrollTo(0, e.scrollHeight));
    },
  },
  admin: { scene: ['calm'], at: '#/admin', show: (p) => p.locator('section.broad').first().waitFor() },
  'admin-phones': {
    scene: ['calm'],
    at: '#/admin',
    async show(p) {
      await p.locator('[data-phone]').first().waitFor();
      await p.locator('[data-phone]').last().scrollIntoViewIfNeeded();
    },
  },
  'admin-topics': {
    scene: ['calm'],
    at: '#/admin',
    async show(p) {
      await p.locator('summary').first().click();
      await p.locator('section.broad').first().scrollIntoViewIfNeeded();
      await p.locator('main').evaluate((e) => e.scrollTo(0, e.querySelector('section.broad').offsetTop));
    },
  },
  'team-offered': {
    scene: ['calm', 'offered'],
    at: '#/team',
    show: (p) => button(p, '按住.*签收接班', '.*Sign to take over').first().waitFor(),
  },
  'team-sign': {
    scene: ['calm'],
    at: '#/team',
    async show(p) {
      await button(p, '签字交班', 'Sign to hand over').click();
      await p.locator('dialog.sheet [data-to]').first().waitFor();
    },
  },
  'team-signed': {
    scene: ['calm'],
    at: '#/team',
    async show(p) {
      await p.locator('[data-signing=on] button').focus();
      await p.keyboard.press('Enter');
      await p.keyboard.press('Enter');
      await p.locator('[data-signing=off]').waitFor();
    },
  },
  lift: {
    scene: ['calm'],
    at: '#/alarm/al_held',
    async show(p, mock) {
      await p.locator('[data-phase=live]').first().waitFor({ state: 'attached' });
      await mock('raise/held');
      await p.locator('[data-lift]').evaluate((e) => e.scrollIntoView({ block: 'center' }));
    },
  },
  'lift-release': {
    scene: ['calm'],
    at: '#/alarm/al_held',
    async show(p, mock) {
      await p.locator('[data-phase=live]').first().waitFor({ state: 'attached' });
      await mock('raise/held');
      await p.locator('[data-lift] button').click();
      await p.locator('dialog.sheet[open]').waitFor();
    },
  },
  away: { scene: ['calm', 'pin'], at: '#/away', show: (p) => button(p, '查看名单', 'Show the list').waitFor() },
  'away-list': { scene: ['calm', 'pin'], at: '#/away', show: absences },
  'away-enter': {
    scene: ['calm', 'pin'],
    at: '#/away',
    async show(p) {
      await absences(p);
      await p.locator('[data-home="1/1/201"] button').click();
      await p.getByRole('button', { name: /^3 (天|d)$/ }).click();
    },
  },
  works: { scene: ['calm'], at: '#/admin/works', show: (p) => p.locator('[data-works] li').first().waitFor() },
  'works-new': {
    scene: ['calm'],
    at: '#/admin/works',
    async show(p) {
      await button(p, '停用维护', 'Out of service').click();
      await p.getByLabel(/找设备或地点|Find a device/).fill('mh-17');
      await p.locator('[data-choice="mh-17"]').click();
      await p.getByRole('button', { name: /^2 (小时|h)$/ }).click();
      await p.locator('form').evaluate((e) => e.scrollIntoView({ block: 'start' }));
    },
  },
  'admin-away': { scene: ['calm', 'pin'], at: '#/admin/away', show: absences },
  figures: { scene: ['calm'], at: '#/admin/figures', show: drawn },
  'figures-day': {
    scene: ['calm'],
    at: '#/admin/figures',
    async show(p) {
      await drawn(p);
      await button(p, '最近 24 小时', 'Last day').click();
      await p.locator('[data-figures=day]').waitFor();
      await p.locator('[data-chart=duty]').scrollIntoViewIfNeeded();
    },
  },
  'figures-reach': {
    scene: ['calm'],
    at: '#/admin/figures',
    async show(p) {
      await drawn(p);
      await scrollTo(p, '[data-chart=reach]');
    },
  },
  'figures-table': {
    scene: ['calm'],
    at: '#/admin/figures',
    async show(p) {
      await drawn(p);
      await p.locator('[data-chart=reach] summary').focus();
      await p.keyboard.press('Enter');
      await scrollTo(p, '[data-chart=reach] details');
    },
  },
  'figures-devices': {
    scene: ['calm'],
    at: '#/admin/figures',
    async show(p) {
      await drawn(p);
      await p.locator('main').evaluate((e) => e.scrollTo(0, e.scrollHeight));
    },
  },
  'figures-empty': { scene: ['calm', 'fresh'], at: '#/admin/figures', show: (p) => p.locator('[data-figures=hour] section').first().waitFor() },
  'figures-loading': {
    scene: ['calm'],
    async show(p) {
      await p.route('**/api/admin/figures*', () => undefined);
      await p.evaluate(() => (location.hash = '#/admin/figures'));
      await p.locator('.console-page [role=status]').waitFor();
    },
  },
  'figures-never': {
    scene: ['calm'],
    at: '#/admin/figures',
    async show(p, mock) {
      await drawn(p);
      await mock('down');
      await button(p, '最近 24 小时', 'Last day').click();
      await p.locator('.console-page [role=status]').waitFor();
    },
  },
  'figures-offline': {
    scene: ['calm'],
    at: '#/admin/figures',
    async show(p, mock) {
      await drawn(p);
      await mock('down');
      await p.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
      await p.locator('.console-page [role=status]').waitFor();
    },
  },
};

/** Those that are laid out anew where there is room. */
const ON_A_TABLET = ['list-busy', 'alarm', 'detail', 'resolve', 'enrol', 'settings', 'duty', 'team', 'history', 'admin', 'admin-topics', 'figures', 'figures-reach', 'figures-devices', 'figures-table', 'works', 'works-new', 'away-list', 'lift', 'team-offered'];
const TABLET = { width: 1024, height: 768 };

/** Beside the usual ones: other sizes, larger text, without colour. */
const VARIANTS = [
  ...['zh-CN', 'en'].flatMap((locale) =>
    ['dark', 'light'].map((theme) => ({ name: `${locale}-${theme}`, locale, theme, size: PHONE })),
  ),
  { name: 'zh-CN-dark-text200', locale: 'zh-CN', theme: 'dark', size: PHONE, text: '36px' },
  { name: 'en-light-text200', locale: 'en', theme: 'light', size: PHONE, text: '36px' },
  // The app's own largest text, and its strong contrast.
  { name: 'zh-CN-light-text17', locale: 'zh-CN', theme: 'light', size: PHONE, choices: { text: '1.7' } },
  { name: 'en-dark-text17', locale: 'en', theme: 'dark', size: PHONE, choices: { text: '1.7', contrast: 'more' } },
  { name: 'zh-CN-dark-tablet', locale: 'zh-CN', theme: 'dark', size: TABLET, only: ON_A_TABLET },
  { name: 'en-light-tablet', locale: 'en', theme: 'light', size: TABLET, only: ON_A_TABLET },
  // Only where colour says something.
  {
    name: 'zh-CN-dark-grey',
    locale: 'zh-CN',
    theme: 'dark',
    size: PHONE,
    grey: true,
    only: ['list', 'list-busy', 'list-offline', 'alarm', 'alarm-level2', 'alarm-test', 'detail', 'duty', 'duty-end', 'team', 'history', 'admin', 'figures', 'figures-reach', 'figures-devices'],
  },
];

const [screen_wanted = 'all', variant_wanted = 'all'] = process.argv.slice(2);
const fits = (wanted, name) => wanted === 'all' || wanted === name;
const { address, close } = await startMock(0);
const mock = (word) => fetch(`${address}/mock/${word}`, { method: 'POST' });
const browser = await launch();
const faults = [];
mkdirSync(OUT, { recursive: true });

let taken = 0;
for (const variant of VARIANTS.filter((v) => fits(variant_wanted, v.name))) {
  for (const [screen, steps] of Object.entries(SCREENS).filter(
    ([name]) => fits(screen_wanted, name) && (variant.only?.includes(name) ?? true),
  )) {
    await picture(`${screen}.${variant.name}`, steps, variant);
    taken += 1;
  }
}
if (taken === 0) faults.push(`no screen "${screen_wanted}" in variant "${variant_wanted}"`);

await browser.close();
await close();
for (const fault of faults) console.error(fault);
console.log(`${taken} pictures, ${faults.length} faults`);
process.exit(faults.length > 0 ? 1 : 0);

async function picture(name, { scene, at = '', show }, { locale, theme, size, text, grey, choices = {} }) {
  for (const word of scene) await mock(word);
  const context = await browser.newContext({
    viewport: size,
    locale,
    colorScheme: theme,
    reducedMotion: 'reduce',
    timezoneId: 'Asia/Shanghai',
    hasTouch: true,
    deviceScaleFactor: 1.5,
    // Each picture is of the build that lies there, not of one that was kept.
    serviceWorkers: 'block',
  });
  const page = await context.newPage();
  await page.addInitScript((chosen) => {
    for (const [key, value] of Object.entries(chosen)) localStorage.setItem(`wanglou.${key}`, value);
    localStorage.setItem('wanglou.duty', String(Date.now()));
  }, choices);
  page.setDefaultTimeout(8_000);
  page.on('pageerror', (error) => faults.push(`${name}: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() !== 'error' || expected(message.text())) return;
    faults.push(`${name}: console: ${message.text()}`);
  });
  try {
    await page.goto(`${address}/${at}`);
    // What the browser's own text size does to html, which cannot be set from here.
    if (text) await page.evaluate((size) => (document.documentElement.style.fontSize = size), text);
    // By the browser: a filter on the page would leave out dialogs, which lie above it.
    if (grey) {
      const session = await context.newCDPSession(page);
      await session.send('Emulation.setEmulatedVisionDeficiency', { type: 'achromatopsia' });
    }
    await show(page, mock);
    await page.waitForTimeout(150);
    await page.screenshot({ path: `${OUT}${name}.png` });
    await check(name, page);
  } catch (error) {
    faults.push(`${name}: ${error.message.split('\n').slice(0, 4).join(' | ')}`);
    await page.screenshot({ path: `${OUT}${name}.failed.png` }).catch(() => undefined);
  }
  await context.close();
}

async function check(name, page) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wide > 0) faults.push(`${name}: scrolls sideways by ${wide} px`);
  const small = await page.evaluate(smallTargets);
  for (const target of small) faults.push(`${name}: small target: ${target}`);
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() =>
    // eslint-disable-next-line no-undef
    axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }),
  );
  for (const { id, nodes } of violations) {
    faults.push(`${name}: axe ${id}: ${nodes.map((n) => `${n.target} ${n.any[0]?.message ?? ''}`).join('; ')}`);
  }
}

/** Everything that can be tapped is at least 60 px high, at the usual text size. */
function smallTargets() {
  return [...document.querySelectorAll('button, a, summary, input:not([type=radio], [type=file])')]
    .map((e) => [e, e.getBoundingClientRect()])
    .filter(([, box]) => box.height > 0 && box.height < 60)
    .map(([e, box]) => `${e.tagName} ${e.textContent.trim().slice(0, 30)} ${Math.round(box.height)} px`);
}

/** Chromium reports every refused connection; here the mock refuses on purpose. */
function expected(text) {
  return /WebSocket connection to .* failed|status of (401|403|404)|ERR_(EMPTY_RESPONSE|CONNECTION)/.test(text);
}
