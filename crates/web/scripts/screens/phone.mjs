// Every screen of an officer's phone: the mock's scene, where to go, what to do there; `fleeting` where it is over within
// seconds.
import { absences, answering, button, entering, front, live, planDrawn, pressTwice, scrollDown, scrollTo, setAside, settle, sheet } from './steps.mjs';

const PICTURE = new URL('../../public/icons/icon-512.png', import.meta.url).pathname;

/** A report of a hazard, sent. */
async function report(page) {
  await button(page, '消防通道', 'Fire lane').click();
  await page.locator('[data-place]').first().click();
  await page.locator('form button[type=submit]').click();
  await page.locator('.note.done').waitFor();
  await scrollTo(page, 'h1');
}

export const PHONE_SCREENS = {
  loading: { scene: ['calm', 'stall'], show: (p) => p.locator('[data-message=loading]').waitFor() },
  offline: { scene: ['calm', 'cut'], show: (p) => p.locator('[data-message=offline]').waitFor() },
  empty: { scene: ['empty'], show: (p) => p.locator('[data-message=empty]').waitFor() },
  list: { scene: ['calm'], show: (p) => live(p).waitFor() },
  'list-busy': { scene: ['busy'], show: setAside },
  'list-offline': {
    scene: ['calm'],
    async show(p, mock) {
      await live(p).waitFor();
      await mock('cut');
      await p.locator('[data-phase=offline]').first().waitFor();
    },
  },
  'list-syncing': {
    scene: ['calm'],
    async show(p, mock) {
      await live(p).waitFor();
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
      await answering(p, '**/api/evidence/**', 404, { code: 'host_not_allowed', text: { zh: '主机不在允许名单', en: 'host not allowed' } });
      await p.reload();
      await p.getByText(/证据未取得|Picture not fetched/).first().waitFor();
    },
  },
  'alarm-level2': {
    scene: ['calm'],
    async show(p, mock) {
      await live(p).waitFor();
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
    fleeting: true,
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
      await scrollDown(p, 'article .body');
    },
  },
  lock: {
    scene: ['calm', 'pin'],
    async show(p) {
      await live(p).waitFor();
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
    show: (p) => sheet(p),
  },
  'detail-plan': {
    scene: ['calm'],
    at: '#/alarm/al_alone',
    show: planDrawn,
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
      await planDrawn(p);
    },
  },
  'resolve-photo': {
    scene: ['calm'],
    at: '#/alarm/al_alone',
    async show(p) {
      await sheet(p, '处理结果', 'Outcome');
      await p.getByText(/人员平安|Person is well/).click();
      await p.locator('input[type=file]').setInputFiles(PICTURE);
      await p.locator('dialog.sheet img').waitFor();
      await scrollDown(p, 'dialog.sheet');
    },
  },
  resolve: {
    scene: ['calm'],
    at: '#/alarm/al_alone',
    async show(p) {
      await sheet(p, '处理结果', 'Outcome');
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
      await live(p).waitFor();
      await mock('raise/ebike');
      await mock('taken/al_ebike');
      await front(p).waitFor();
      await settle(p);
      await button(p, '接警', 'Accept').click();
      await p.locator('.notice:visible').waitFor();
    },
  },
  enrol: { scene: ['calm', 'guest'], at: '#enrol=K7QMR2XW9DPT', show: (p) => p.locator('form').waitFor() },
  'enrol-wrong': {
    scene: ['calm', 'guest'],
    async show(p) {
      await p.locator('input.code').fill('AAAA BBBB CCCC');
      await button(p, '绑定', 'Link').click();
      await p.locator('.note:not(:empty)').waitFor();
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
      await scrollDown(p);
    },
  },
  team: { scene: ['calm'], at: '#/team', show: (p) => p.locator('[data-officer]').first().waitFor() },
  'team-rota': {
    scene: ['calm'],
    at: '#/team',
    async show(p) {
      await p.locator('[data-officer]').first().waitFor();
      await button(p, '周日', 'Sun').click();
      await scrollDown(p);
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
      await scrollDown(p);
    },
  },
  transfer: {
    scene: ['calm'],
    at: '#/alarm/al_alone',
    async show(p) {
      await sheet(p, '转交', 'Hand on');
      await p.locator('[data-to]').first().waitFor();
    },
  },
  shelve: {
    scene: ['calm'],
    at: '#/alarm/al_alone',
    async show(p) {
      await sheet(p, '暂时搁置', 'Shelve');
      await p.locator('dialog.sheet textarea').fill('x');
    },
  },
  'settings-more': {
    scene: ['calm'],
    at: '#/settings',
    async show(p) {
      await p.locator('dl').first().waitFor();
      await scrollDown(p);
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
      await pressTwice(p, p.locator('[data-signing=on] button'));
      await p.locator('[data-signing=off]').waitFor();
    },
  },
  lift: {
    scene: ['calm'],
    at: '#/alarm/al_held',
    async show(p, mock) {
      await live(p).waitFor({ state: 'attached' });
      await mock('raise/held');
      await scrollTo(p, '[data-lift]', 'center');
    },
  },
  'lift-release': {
    scene: ['calm'],
    at: '#/alarm/al_held',
    async show(p, mock) {
      await live(p).waitFor({ state: 'attached' });
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
    show: entering,
  },
  note: {
    scene: ['calm'],
    at: '#/alarm/al_alone',
    show: (p) => sheet(p, '记一笔', 'Add a note'),
  },
  'detail-gone': { scene: ['calm'], at: '#/alarm/al_gone', show: (p) => p.getByText(/已不在你的范围|no longer/).waitFor() },
  'list-replaced': {
    scene: ['calm'],
    async show(p, mock) {
      await live(p).waitFor();
      await mock('close/4409');
      await p.getByText(/另一个窗口|another window/).waitFor();
    },
  },
  'list-outdated': {
    scene: ['calm'],
    async show(p, mock) {
      await live(p).waitFor();
      await mock('close/4426');
      await button(p, '更新', 'Update').waitFor();
    },
  },
  'duty-drill': {
    scene: ['calm'],
    at: '#/duty',
    async show(p) {
      await button(p, '开始演练', 'Start the drill').click();
      await front(p).waitFor();
      await settle(p);
      await button(p, '接警', 'Accept').click();
      await front(p).waitFor({ state: 'detached' });
      await p.evaluate(() => (location.hash = '#/duty'));
      await scrollTo(p, '[data-drill=answered]', 'center');
    },
  },
  'history-empty': { scene: ['calm', 'quiet'], at: '#/history', show: (p) => p.locator('[data-empty]').waitFor() },
  'history-offline': {
    scene: ['calm'],
    async show(p, mock) {
      await live(p).waitFor();
      await mock('down');
      await p.evaluate(() => (location.hash = '#/history'));
      await p.getByText(/看不到历史|the past is not shown/).first().waitFor();
    },
  },
  'team-offline': {
    scene: ['calm'],
    async show(p, mock) {
      await live(p).waitFor();
      await mock('down');
      await p.evaluate(() => (location.hash = '#/team'));
      await p.getByText(/看不到值班情况|is not known/).first().waitFor();
    },
  },
  'team-waiting': {
    scene: ['calm'],
    at: '#/team',
    async show(p) {
      await button(p, '签字交班', 'Sign to hand over').click();
      await pressTwice(p, p.locator('dialog.sheet [data-to] button').first());
      await p.locator('[data-handover] .note:not(:empty)').waitFor();
      await scrollTo(p, '[data-handover]');
    },
  },
  'team-unanswered': {
    scene: ['calm'],
    at: '#/team',
    async show(p, mock) {
      const leave = p.locator('[data-signing=on] button');
      await leave.waitFor();
      await mock('down');
      await pressTwice(p, leave);
      await p.locator('[data-signing] .note:not(:empty)').waitFor();
    },
  },
  'report-sent': {
    scene: ['calm'],
    at: '#/report',
    show: (p) => report(p),
  },
  'report-waiting': {
    scene: ['calm'],
    at: '#/report',
    async show(p, mock) {
      await p.locator('[data-place]').first().waitFor();
      await mock('down');
      await report(p);
    },
  },
  'pin-differ': {
    scene: ['calm', 'pin'],
    at: '#/pin',
    async show(p) {
      const fields = p.locator('input[type=password]');
      for (const [n, digits] of ['5050', '7391', '7394'].entries()) await fields.nth(n).fill(digits);
      await button(p, '保存', 'Save').click();
      await p.locator('.note:not(:empty)').waitFor();
    },
  },
  'away-empty': { scene: ['calm', 'pin', 'quiet'], at: '#/away', show: absences },
  'away-wrong': {
    scene: ['calm', 'pin'],
    at: '#/away',
    async show(p) {
      await button(p, '查看名单', 'Show the list').click();
      await p.getByLabel('PIN').fill('1357');
      await button(p, '解锁', 'Unlock').click();
      await p.getByText(/PIN 不对|Wrong PIN/).waitFor();
    },
  },
  'away-offline': {
    scene: ['calm', 'pin'],
    at: '#/away',
    async show(p, mock) {
      await button(p, '查看名单', 'Show the list').waitFor();
      await mock('down');
      await button(p, '查看名单', 'Show the list').click();
      await p.locator('[data-absences] .note:not(:empty)').waitFor();
    },
  },
  'away-unanswered': {
    scene: ['calm', 'pin'],
    at: '#/away',
    async show(p, mock) {
      await entering(p);
      await mock('down');
      await p.locator('dialog.sheet').getByRole('button', { name: /^(登记|Enter)$/ }).click();
      await p.locator('dialog.sheet .note:not(:empty)').waitFor();
    },
  },
};
