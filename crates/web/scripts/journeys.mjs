// Walks through the app in Chromium against the mock gateway, as an officer
// would, and fails with words when a step does not do what it should. What
// needs the real gateway is tested in the tests package.
//
//   npm run build && npm run journeys [part of a name]
import assert from 'node:assert/strict';
import { startMock } from '../mock/server.mjs';
import { launch } from './browser.mjs';

const wanted = process.argv[2] ?? '';
const { address, close } = await startMock(0);
const mock = async (word) => (await fetch(`${address}/mock/${word}`, { method: 'POST' })).text();
const answered = async () => JSON.parse(await mock('log')).commands;
const receipts = async () => JSON.parse(await mock('log')).receipts;
const browser = await launch();

const button = (page, name) => page.locator(`button:visible`, { hasText: name }).first();
const live = (page) => page.locator('[data-phase=live]:visible').first().waitFor();
const front = (page) => page.locator('dialog.alarm');
/** Buttons that come up by themselves are deaf for the first moment. */
const settle = (page) => page.waitForTimeout(700);

async function accept(page) {
  await front(page).waitFor();
  await settle(page);
  await button(page, '接警').click();
}

const JOURNEYS = {
  async 'a link binds the phone only after a tap, and the token leaves the address'(open) {
    await mock('calm');
    await mock('guest');
    const page = await open('#enrol=K7QMR2XW9DPT');
    await page.waitForTimeout(300);
    assert.deepEqual(page.seen('/api/enrol'), [], 'nothing is redeemed before the tap');
    await button(page, '绑定').click();
    await live(page);
    assert.ok(!page.url().includes('K7QM'), page.url());
    assert.equal(page.seen('/api/enrol').length, 1);
  },

  async 'a typed code with spaces and small letters works'(open) {
    await mock('calm');
    await mock('guest');
    const page = await open();
    await page.locator('input.code').fill('k7qm r2xw 9dpt');
    await page.keyboard.press('Enter');
    await live(page);
  },

  async 'an alarm fills the screen, is accepted with one tap, arrived at and resolved with a press of one second'(open) {
    await mock('calm');
    const page = await open();
    await live(page);
    await mock('raise/cover');
    await accept(page);
    await page.locator('.undo:visible').waitFor();
    await settle(page);
    await button(page, '到达').click();
    await page.locator('.undo').waitFor({ state: 'detached', timeout: 2_000 });
    await page.locator('[data-action=resolve]:visible').waitFor();
    await settle(page);
    await button(page, '处理结果').click();
    await page.locator('dialog.sheet label', { hasText: '属实' }).click();
    const hold = page.locator('dialog.sheet button', { hasText: '按住 1 秒' });
    const box = await hold.boundingBox();
    await page.mouse.move(box.x + 50, box.y + 30);
    await page.mouse.down();
    await page.waitForTimeout(500);
    await page.mouse.up();
    await page.waitForTimeout(800);
    assert.equal((await answered()).length, 2, 'a short press does nothing');
    await page.mouse.down();
    await page.waitForTimeout(1_100);
    await page.mouse.up();
    await page.locator('article', { hasText: '已处理' }).waitFor();
    assert.deepEqual((await answered()).map((a) => a.t), ['ok', 'ok', 'ok']);
  },

  async 'from the keyboard what cannot be taken back is pressed twice'(open) {
    await mock('calm');
    const page = await open('#/alarm/al_alone');
    await live(page);
    await button(page, '其他操作').click();
    const hold = page.locator('dialog.sheet button', { hasText: '误报' });
    await hold.focus();
    await page.keyboard.press('Enter');
    await page.locator('dialog.sheet button', { hasText: '再按一次' }).waitFor();
    assert.equal((await answered()).length, 0);
    await page.keyboard.press('Enter');
    await page.locator('article', { hasText: '已处理' }).waitFor();
    assert.equal((await answered()).length, 1);
  },

  async 'an alarm that comes up under a moving thumb is not accepted by it'(open) {
    await mock('calm');
    const page = await open();
    await live(page);
    // In the page itself, in the moment in which it comes up: over the wire a tap may be late on a busy machine.
    await page.evaluate(tapAtOnce, '接警');
    await mock('raise/cover');
    await page.waitForFunction(() => window.tapped);
    await page.waitForTimeout(300);
    assert.equal((await answered()).length, 0);
    assert.ok(await front(page).isVisible());
  },

  async 'an alarm covers an open sheet, and the half-written note is there afterwards'(open) {
    await mock('calm');
    const page = await open('#/alarm/al_alone');
    await live(page);
    await button(page, '其他操作').click();
    await button(page, '记一笔').click();
    await page.locator('textarea').fill('门没锁');
    await mock('raise/cover');
    await front(page).waitFor();
    await settle(page);
    await button(page, '先放一放').click();
    assert.equal(await page.locator('textarea:visible').inputValue(), '门没锁');
    await page.locator('dialog.sheet button', { hasText: '保存' }).click();
    await button(page, '1 条等你接警').click();
    await front(page).waitFor();
    assert.deepEqual((await answered()).map((a) => a.t), ['ok']);
  },

  async 'it sounds after one unlocking tap, in the rhythm of the level, until the next tap'(open) {
    await mock('calm');
    const page = await open('', { sound: true });
    await live(page);
    await mock('raise/ebike');
    await front(page).waitFor();
    assert.equal(await page.evaluate(() => window.tones), 0, 'no sound before a tap');
    await page.locator('.elapsed').click();
    await mock('raise/cover');
    await page.waitForTimeout(2_500);
    const tones = await page.evaluate(() => window.tones);
    assert.ok(tones >= 8, `${tones} tones of level one, the most urgent`);
    await page.locator('.elapsed').click();
    const after = await page.evaluate(() => window.tones);
    await page.waitForTimeout(2_500);
    assert.equal(await page.evaluate(() => window.tones), after, 'silent after the tap');
  },

  async 'an acceptance is taken back within five seconds, and the alarm is there again'(open) {
    await mock('calm');
    const page = await open();
    await live(page);
    await mock('raise/cover');
    await accept(page);
    await button(page, '撤销').click();
    await front(page).waitFor();
    assert.deepEqual((await answered()).map((a) => a.t), ['ok', 'ok']);
  },

  async 'undo is offered for five seconds only'(open) {
    await mock('calm');
    const page = await open();
    await live(page);
    await mock('raise/cover');
    await accept(page);
    await page.locator('.undo:visible').waitFor();
    await page.waitForTimeout(6_200);
    assert.equal(await page.locator('.undo:visible').count(), 0);
  },

  async 'declined, the alarm leaves the screen and stays in the list'(open) {
    await mock('calm');
    const page = await open();
    await live(page);
    await mock('raise/cover');
    await front(page).waitFor();
    await settle(page);
    await button(page, '无法前往').click();
    await button(page, '离得太远').click();
    await page.locator('[data-alarm=al_cover]:visible').waitFor();
    assert.equal(await front(page).count(), 0);
  },

  async 'three alarms come one after the other, the most urgent first'(open) {
    await mock('busy');
    const page = await open();
    const order = [];
    for (let n = 0; n < 3; n += 1) {
      await front(page).waitFor();
      order.push(await front(page).getAttribute('data-alarm'));
      await accept(page);
      await page.waitForTimeout(200);
    }
    assert.deepEqual(order, ['al_cover', 'al_ebike', 'al_door']);
  },

  async 'set aside, an alarm waits in the list and comes back with a tap'(open) {
    await mock('busy');
    const page = await open();
    await front(page).waitFor();
    await settle(page);
    await button(page, '先放一放').click();
    await page.locator('[data-alarm=al_cover]:visible').waitFor();
    await button(page, '3 条等你接警').click();
    await front(page).waitFor();
  },

  async 'a cut keeps the list and says so; mended, it is complete again'(open) {
    await mock('calm');
    const page = await open();
    await live(page);
    const before = await page.locator('[data-alarm]').count();
    await mock('cut');
    await page.locator('[data-phase=offline]:visible').waitFor();
    assert.equal(await page.locator('[data-alarm]').count(), before);
    await mock('raise/battery2');
    await mock('mend');
    await page.locator('[data-phase=live]').waitFor({ timeout: 25_000 });
    await page.locator('[data-alarm=al_battery2]').waitFor();
  },

  async 'accepted offline, reloaded, connected: sent once'(open) {
    await mock('calm');
    const page = await open();
    await live(page);
    await mock('raise/cover');
    await front(page).waitFor();
    await mock('down');
    await settle(page);
    await button(page, '接警').click();
    await page.locator('.tag.sending:visible').first().waitFor();
    await page.reload();
    await page.locator('[data-alarm=al_cover] .tag.sending').first().waitFor({ state: 'attached' });
    assert.equal((await answered()).length, 0);
    await mock('mend');
    await page.locator('[data-phase=live]:visible').waitFor({ timeout: 25_000 });
    await page.waitForTimeout(500);
    assert.deepEqual((await answered()).map((a) => a.t), ['ok']);
    assert.equal(await page.locator('.tag.sending').count(), 0);
  },

  async 'accepted offline and taken back: it rings again, and both are sent in order or neither'(open) {
    await mock('calm');
    const page = await open();
    await live(page);
    await mock('raise/cover');
    await front(page).waitFor();
    await page.context().setOffline(true);
    await mock('down');
    await settle(page);
    await button(page, '接警').click();
    await button(page, '撤销').click();
    await page.context().setOffline(false);
    await mock('mend');
    await page.locator('[data-phase=live]').first().waitFor({ state: 'attached', timeout: 25_000 });
    await page.waitForTimeout(500);
    const states = (await answered()).map((a) => a.t);
    assert.ok(states.length === 0 || states.length === 2, `none, or both in order: ${states}`);
    await front(page).waitFor();
  },

  async 'the language and the theme change at once and are kept'(open) {
    await mock('calm');
    const page = await open('#/settings');
    await live(page);
    await button(page, 'English').click();
    await page.getByText('Appearance').waitFor();
    assert.equal(await page.locator('html').getAttribute('lang'), 'en');
    const dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await button(page, 'Light').click();
    const light = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.notEqual(light, dark);
    await page.reload();
    await page.getByText('Appearance').waitFor();
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), light);
  },

  async 'logging out leaves nothing on the device'(open) {
    await mock('calm');
    const page = await open('#/settings');
    await live(page);
    await button(page, '退出登录').click();
    await page.locator('dialog.sheet button', { hasText: '退出登录' }).click();
    await page.locator('input.code').waitFor();
    const rows = await page.evaluate(
      () =>
        new Promise((done) => {
          const open = indexedDB.open('wanglou');
          open.onsuccess = () => {
            const stores = [...open.result.objectStoreNames];
            const tx = open.result.transaction(stores);
            const counts = stores.map((s) => tx.objectStore(s).count());
            tx.oncomplete = () => done(counts.map((c) => c.result));
          };
        }),
    );
    assert.deepEqual(rows, [0, 0, 0]);
  },

  async 'a revoked session shows the log-in and no alarm'(open) {
    await mock('calm');
    const page = await open();
    await live(page);
    await mock('guest');
    await page.locator('input.code').waitFor();
    assert.equal(await page.locator('[data-alarm]').count(), 0);
  },

  async 'a burst of 500 updates ends in the right state'(open) {
    await mock('calm');
    const page = await open();
    await live(page);
    await mock('burst');
    await page.getByText('共 500 次').waitFor();
    assert.equal(await page.locator('[data-alarm=al_burst]').count(), 1);
  },

  async 'what is stored is receipted, what fills the screen for a second is reported as presented'(open) {
    await mock('busy');
    const page = await open();
    await front(page).waitFor();
    await page.waitForTimeout(1_700);
    const of = async (as) => (await receipts()).filter((r) => r.as === as).map((r) => r.id);
    assert.deepEqual((await of('stored')).sort(), ['al_battery', 'al_cover', 'al_door', 'al_ebike', 'al_throw']);
    assert.deepEqual(await of('presented'), ['al_cover'], 'not what waits behind it');
    await button(page, '先放一放').click();
    await page.waitForTimeout(1_700);
    assert.ok((await of('presented')).includes('al_ebike'), 'a row of the list counts too');
  },

  async 'only level one is announced as an alert'(open) {
    await mock('busy');
    const page = await open();
    await front(page).waitFor();
    assert.equal(await page.locator('[role=alert]').count(), 1);
    await accept(page);
    await page.locator('dialog.alarm.level-2').waitFor();
    assert.equal(await page.locator('[role=alert]').count(), 0);
  },

  async 'the shape moves only while unaccepted, and not for those who asked for calm'(open) {
    await mock('busy');
    const moving = (page) => page.evaluate(() => document.getAnimations().length);
    const still = await open('', { reducedMotion: 'reduce' });
    await front(still).waitFor();
    assert.equal(await moving(still), 0);
    const page = await open('', { reducedMotion: 'no-preference' });
    await front(page).waitFor();
    assert.ok((await moving(page)) > 0);
    await mock('calm');
    const after = await open('', { reducedMotion: 'no-preference' });
    await live(after);
    assert.equal(await moving(after), 0);
  },

  async 'without a network the app starts from what it kept, says so, and how old the list is'(open) {
    await mock('calm');
    const page = await open('', { serviceWorkers: 'allow' });
    await live(page);
    await page.evaluate(() => navigator.serviceWorker.ready);
    await mock('dead');
    await page.reload();
    await page.locator('[data-phase=offline]:visible', { hasText: '离线，收不到告警' }).first().waitFor();
    await page.locator('.age:visible', { hasText: '前的情况' }).first().waitFor();
    await page.locator('a.row[data-alarm=al_alone]').waitFor();
    // No answer of the API, and nothing of another build, is among what is kept.
    const kept = await page.evaluate(async () => {
      const names = (await caches.keys()).filter((name) => name.startsWith('wanglou-shell-'));
      const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
      return { caches: names.length, paths: requests.flat().map((r) => new URL(r.url).pathname) };
    });
    assert.equal(kept.caches, 1);
    assert.deepEqual(kept.paths.filter((path) => /^\/(api|ws|mock)/.test(path)), []);
    assert.ok(kept.paths.includes('/'));
    await mock('mend');
    await button(page, '重试').click();
    await live(page);
  },

  async 'a cold start shows the kept list within 1.5 s on a processor four times slower'(open) {
    await mock('calm');
    const first = await open('', { serviceWorkers: 'allow' });
    await live(first);
    await first.evaluate(() => navigator.serviceWorker.ready);
    await mock('dead');
    const page = await first.context().newPage();
    const session = await page.context().newCDPSession(page);
    await session.send('Emulation.setCPUThrottlingRate', { rate: 4 });
    await page.goto(`${address}/`);
    const row = page.locator('a.row[data-alarm]').first();
    await row.waitFor();
    const took_ms = await page.evaluate(() => performance.getEntriesByName('list-shown')[0]?.startTime);
    assert.ok(took_ms > 0 && took_ms < 1_500, `${took_ms} ms`);
    console.log(`      the list was there after ${Math.round(took_ms)} ms`);
  },

  async 'the manifest names icons that are there'(open) {
    await mock('calm');
    const page = await open();
    const icons = await page.evaluate(async () => {
      const manifest = await (await fetch(document.querySelector('link[rel=manifest]').href)).json();
      const found = await Promise.all(manifest.icons.map(async ({ src, sizes, type }) => {
        const image = new Image();
        image.src = src;
        await image.decode();
        return type === 'image/svg+xml' || sizes === `${image.naturalWidth}x${image.naturalHeight}`;
      }));
      return { display: manifest.display, scope: manifest.scope, found };
    });
    assert.deepEqual(icons, { display: 'standalone', scope: '/', found: [true, true, true, true] });
  },

  async 'the gate promises nothing that was not tried, and a drill goes the real way'(open) {
    await mock('calm');
    const page = await open('#/duty');
    await live(page);
    await page.locator('[data-open=silent]').waitFor();
    await page.locator('[data-closed=nothing]', { hasText: '此手机关闭应用后收不到' }).waitFor();
    await button(page, '试听一级告警').click();
    await page.locator('[data-check=sound][data-mark=weak]').waitFor();
    await button(page, '听到了').click();
    await page.locator('[data-check=sound][data-mark=good]').waitFor();
    await page.locator('[data-open=alarms]').waitFor();
    await button(page, '开始演练').click();
    await front(page).filter({ hasText: '演练 TEST' }).waitFor();
    await settle(page);
    await button(page, '接警').click();
    await page.locator('[data-drill=answered]').waitFor();
    assert.deepEqual((await answered()).map((a) => a.t), ['ok', 'ok'], 'accepted, and ended as a test');
    await button(page, '开始值班').click();
    await page.locator('a.row[data-alarm=al_alone]').waitFor();
    assert.equal(await page.getByText('开始值班：检查这部手机').count(), 0);
  },

  async 'a phone that may be pushed to says so at each opening, and only a trial that arrives is believed'(open) {
    await mock('calm');
    await mock('push');
    const page = await open('#/duty', { serviceWorkers: 'allow', permissions: ['notifications'], init: fakePushService });
    const subscriptions = async () => JSON.parse(await mock('log')).subscriptions;
    await page.locator('[data-check=push][data-mark=weak]').waitFor();
    assert.deepEqual(await subscriptions(), [{ endpoint: 'https://push.example/1', keys: { p256dh: 'k', auth: 'a' } }]);
    await page.reload();
    await page.locator('[data-check=push][data-mark=weak]').waitFor();
    assert.equal((await subscriptions()).length, 2, 'again at the next opening');
    await page.locator('[data-closed=untried]').waitFor();
    await button(page, '给这部手机试发一条').click();
    await page.getByText('已发出，正在等').waitFor();
    const session = await page.context().newCDPSession(page);
    const found = new Promise((done) => {
      session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
        const mine = registrations.find(({ scopeURL }) => scopeURL === `${address}/`);
        if (mine) done(mine.registrationId);
      });
    });
    await session.send('ServiceWorker.enable');
    const message = { origin: address, registrationId: await found, data: JSON.stringify({ trial: 't1', level: 3 }) };
    await session.send('ServiceWorker.deliverPushMessage', message);
    await page.locator('[data-check=push][data-mark=good]').waitFor();
    await page.locator('[data-closed=push]').waitFor();
  },

  async 'who has an alarm can hand it on to somebody who is on duty and can be reached'(open) {
    await mock('calm');
    const page = await open('#/alarm/al_alone');
    await live(page);
    await button(page, '其他操作').click();
    await button(page, '转交').click();
    await page.locator('[data-to]').first().waitFor();
    assert.deepEqual(await page.locator('[data-to]').evaluateAll((all) => all.map((e) => e.dataset.to)), ['o_12']);
    await page.locator('[data-to=o_12]').click();
    await page.waitForTimeout(200);
    assert.deepEqual((await answered()).map((a) => a.t), ['ok']);
  },

  async 'a hazard is reported without a network, kept over a reload, and sent once with its picture'(open) {
    await mock('calm');
    const page = await open('#/report', { serviceWorkers: 'allow' });
    await live(page);
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.locator('[data-place]').first().waitFor();
    await mock('dead');
    await page.reload();
    await page.locator('input.field').fill('17号井');
    await page.locator('[data-place="road-2/mh-17"]').click();
    await button(page, '井盖').click();
    const drawn = await page.evaluate(() => {
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [2400, 1800];
      canvas.getContext('2d').fillRect(0, 0, 9, 9);
      return canvas.toDataURL('image/png').split(',')[1];
    });
    await page.locator('input[type=file]').setInputFiles({ name: 'a.png', mimeType: 'image/png', buffer: Buffer.from(drawn, 'base64') });
    await page.locator('.photos img').waitFor();
    await page.locator('button.send').click();
    await page.locator('.done', { hasText: '待发送' }).waitFor();
    await page.reload();
    await mock('mend');
    await live(page).catch(() => undefined);
    for (let n = 0; n < 100 && JSON.parse(await mock('log')).reports.length === 0; n += 1) await page.waitForTimeout(200);
    const { reports } = JSON.parse(await mock('log'));
    assert.deepEqual(reports, [{ category: 'cover', place: 'road-2/mh-17', photos: ['ab'.repeat(32)] }]);
  },

  async 'a lost phone is revoked by holding for a second'(open) {
    await mock('calm');
    const page = await open('#/admin');
    await page.locator('[data-phone=d_81]').waitFor();
    const hold = page.locator('[data-phone=d_81] button');
    await hold.focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await page.getByText('没有绑定的手机').waitFor();
  },

  async 'the text size and the contrast are kept on this phone'(open) {
    await mock('calm');
    const page = await open('#/settings');
    await live(page);
    const size = () => page.evaluate(() => parseFloat(getComputedStyle(document.body).fontSize));
    assert.equal(await size(), 18);
    await button(page, '最大').click();
    assert.ok(Math.abs((await size()) - 18 * 1.7) < 0.1);
    await button(page, '加强').click();
    await page.reload();
    await live(page);
    assert.ok(Math.abs((await size()) - 18 * 1.7) < 0.1);
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(0, 0, 0)');
  },

  async 'a tap is answered on the screen within 100 ms'(open) {
    await mock('calm');
    const page = await open();
    await live(page);
    await mock('raise/cover');
    await front(page).waitFor();
    await settle(page);
    const took_ms = await page.evaluate(async () => {
      const dialog = document.querySelector('dialog.alarm');
      const gone = new Promise((done) => {
        const look = () => dialog.isConnected || done(performance.now());
        new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
      });
      const from = performance.now();
      dialog.querySelector('button.accept').click();
      return (await gone) - from;
    });
    console.log(`      answered after ${took_ms.toFixed(0)} ms`);
    assert.ok(took_ms < 100, `${took_ms} ms`);
  },

  async 'each page begins at its top, wherever the one before was left'(open) {
    await mock('calm');
    const page = await open('#/report');
    await page.locator('[data-place]').first().waitFor();
    const main = page.locator('main');
    await main.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    assert.ok((await main.evaluate((element) => element.scrollTop)) > 0);
    await page.locator('nav a[href="#/settings"]').click();
    await page.getByText('诊断').waitFor();
    assert.equal(await main.evaluate((element) => element.scrollTop), 0);
  },

  async 'the console is loaded only when it is opened'(open) {
    await mock('calm');
    const page = await open();
    await live(page);
    assert.deepEqual(page.seen('AdminScreen'), []);
    await page.locator('nav a', { hasText: '管理' }).click();
    await page.getByText('未识别的主题').waitFor();
    assert.ok(page.seen('AdminScreen').length > 0);
    assert.equal(page.seen('/api/admin/overview').length, 1);
    await page.waitForTimeout(10_300);
    assert.equal(page.seen('/api/admin/overview').length, 2, 'read again after ten seconds');
  },
};

/** In the page: from now on, taps the button with these words as soon as there is one. */
function tapAtOnce(words) {
  const observer = new MutationObserver(() => {
    const found = [...document.querySelectorAll('dialog.alarm button')].find((button) => button.textContent.trim() === words);
    if (!found) return;
    observer.disconnect();
    found.click();
    window.tapped = true;
  });
  observer.observe(document.body, { childList: true, subtree: true });
}

/** In the page: a push service that takes every subscription; the browser here has none. */
function fakePushService() {
  let current = null;
  PushManager.prototype.getSubscription = async () => current;
  PushManager.prototype.subscribe = async ({ applicationServerKey }) => {
    current = {
      options: { applicationServerKey: applicationServerKey.buffer },
      unsubscribe: async () => (current = null),
      toJSON: () => ({ endpoint: 'https://push.example/1', keys: { p256dh: 'k', auth: 'a' } }),
    };
    return current;
  };
}

/** In the page: counts the tones that are started. */
function countTones() {
  window.tones = 0;
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (at) {
    window.tones += 1;
    start.call(this, at);
  };
}

let failed = 0;
for (const [name, walk] of Object.entries(JOURNEYS)) {
  if (!name.includes(wanted)) continue;
  const contexts = [];
  const open = async (at = '', { sound = false, init, ...options } = {}) => {
    const context = await browser.newContext({ viewport: { width: 360, height: 640 }, locale: 'zh-CN', colorScheme: 'dark', serviceWorkers: 'block', ...options });
    contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(8_000);
    if (sound) await page.addInitScript(countTones);
    if (init) await page.addInitScript(init);
    const urls = [];
    page.on('request', (request) => urls.push(request.url()));
    page.on('pageerror', (error) => {
      throw error;
    });
    page.seen = (part) => urls.filter((url) => url.includes(part));
    await page.goto(`${address}/${at}`);
    return page;
  };
  try {
    await walk(open);
    console.log(`ok    ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name}\n      ${error.message.split('\n').slice(0, 6).join('\n      ')}`);
  }
  for (const context of contexts) await context.close();
}
await browser.close();
await close();
process.exit(failed > 0 ? 1 : 0);
