// Every page of the console: the mock's scene, where to go, what to do there.
import { absences, answering, button, live, scrollDown, scrollTo } from './steps.mjs';

/** Every chart of the figures has its lines. */
async function drawn(page) {
  await page.locator('[data-figures=hour] [data-chart=devices] canvas').waitFor();
  await page.waitForTimeout(100);
}

/** A permit that is filled in. */
async function permit(page) {
  await page.getByLabel(/找设备或地点|Find a device/).fill('mh-17');
  await page.locator('[data-choice="mh-17"]').click();
  await page.getByRole('button', { name: /^8 (小时|h)$/ }).click();
  await page.locator('form fieldset').last().getByRole('button').first().click();
  await scrollTo(page, 'form fieldset:last-of-type', 'center');
}

export const CONSOLE_SCREENS = {
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
      await scrollDown(p);
    },
  },
  'figures-empty': { scene: ['calm', 'fresh'], at: '#/admin/figures', show: (p) => p.locator('[data-figures=hour] section').first().waitFor() },
  'figures-loading': {
    scene: ['calm'],
    async show(p) {
      // Never answered.
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
  'admin-offline': {
    scene: ['calm'],
    at: '#/admin',
    async show(p, mock) {
      await p.locator('section.broad').first().waitFor();
      await mock('down');
      await p.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
      await p.locator('.console-page [role=status] strong').waitFor();
    },
  },
  'admin-loading': {
    scene: ['calm'],
    async show(p) {
      await p.route('**/api/admin/overview', () => undefined);
      await p.evaluate(() => (location.hash = '#/admin'));
      await p.locator('.console-page [role=status]').waitFor();
    },
  },
  'admin-forbidden': {
    scene: ['calm'],
    async show(p) {
      await answering(p, '**/api/admin/overview', 403, { code: 'forbidden' });
      await p.evaluate(() => (location.hash = '#/admin'));
      await p.getByText(/你的账号看不到|may not see/).waitFor();
    },
  },
  'works-empty': { scene: ['calm', 'quiet'], at: '#/admin/works', show: (p) => p.getByText(/没有施工许可|No permit/).waitFor() },
  'works-offline': {
    scene: ['calm'],
    async show(p, mock) {
      await live(p).waitFor();
      await p.evaluate(() => (location.hash = '#/admin'));
      await p.locator('section.broad').first().waitFor();
      await mock('down');
      await p.evaluate(() => (location.hash = '#/admin/works'));
      await p.locator('[data-works] [role=status]:not(:empty)').waitFor();
    },
  },
  'works-permit': { scene: ['calm'], at: '#/admin/works', show: permit },
  'works-entered': {
    scene: ['calm'],
    at: '#/admin/works',
    async show(p) {
      await permit(p);
      await button(p, '登记', 'Enter').click();
      await p.locator('form .note:not(:empty)').waitFor();
      await scrollTo(p, 'form .note', 'center');
    },
  },
  'works-refused': {
    scene: ['calm'],
    at: '#/admin/works',
    async show(p) {
      await permit(p);
      await answering(p, '**/api/cmd', 400, { t: 'err', code: 'invalid', text: { zh: '最长 7 天', en: 'at most 7 days' } });
      await button(p, '登记', 'Enter').click();
      await p.locator('form .note:not(:empty)').waitFor();
      await scrollTo(p, 'form .note', 'center');
    },
  },
};
