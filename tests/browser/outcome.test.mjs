// On the spot: where it is on the compound's plan, and a picture of how it ended.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Compound, ROOT, cover, detail, eventually, fullScreen, picture, tap } from './support.mjs';

const PICTURE = join(ROOT, 'crates', 'web', 'public', 'icons', 'icon-512.png');

let compound;
let wu;
let li;

before(async () => {
  compound = await Compound.start();
  wu = await compound.phone('wu');
  li = await compound.phone('li', 'en');
});

after(async () => compound?.stop());

test('the detail shows the place on its plan, which can run and load nothing', async () => {
  cover(compound, 'cover-17', true);
  await fullScreen(wu).waitFor();
  const id = await fullScreen(wu).getAttribute('data-alarm');
  await tap(wu, '接警');
  const plan = wu.locator('.plan img');
  await plan.waitFor();
  await plan.evaluate((image) => image.decode());
  const { plan: pin } = await detail(wu, id);
  assert.equal(pin.plan, 'ground');
  const where = await eventually('the plan is laid out', () => wu.locator('.plan').evaluate((frame) => {
    const [box, mark] = [frame.getBoundingClientRect(), frame.querySelector('svg').getBoundingClientRect()];
    return box.width > 0 && { x: (mark.left + mark.width / 2 - box.left) / box.width, y: (mark.bottom - box.top) / box.height };
  }));
  assert.ok(Math.abs(where.x - pin.x) < 0.02 && Math.abs(where.y - pin.y) < 0.03, JSON.stringify({ where, pin }));
  await wu.locator('.plan').scrollIntoViewIfNeeded();
  await picture(wu, 'plan.zh');
  const answer = await wu.evaluate(async () => {
    const got = await fetch('/api/plans/ground');
    const status = async (path) => (await fetch(path)).status;
    return { policy: got.headers.get('content-security-policy'), type: got.headers.get('content-type'), out: await status('/api/plans/..%2Fplaces'), none: await status('/api/plans/none') };
  });
  assert.deepEqual(answer, { policy: "default-src 'none'; style-src 'unsafe-inline'; sandbox", type: 'image/svg+xml', out: 404, none: 404 });
  assert.equal((await fetch(`${compound.origin}/api/plans/ground`)).status, 401, 'for those who are logged in');
});

test('a picture taken at the outcome is evidence that others see', async () => {
  const id = await wu.evaluate(() => decodeURIComponent(location.hash.split('/').pop()));
  await tap(wu, '到达');
  await tap(wu, '处理结果');
  await wu.getByRole('radio').first().check();
  await wu.locator('dialog.sheet input[type=file]').setInputFiles(PICTURE);
  await wu.locator('dialog.sheet .photos img').waitFor();
  await picture(wu, 'outcome.zh');
  const hold = wu.locator('dialog.sheet button', { hasText: '按住' });
  await hold.scrollIntoViewIfNeeded();
  const box = await hold.boundingBox();
  await wu.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await wu.mouse.down();
  await wu.locator('dialog.sheet').waitFor({ state: 'detached' });
  await wu.mouse.up();
  const found = await eventually('it has ended, with its picture', async () => {
    const now = await detail(li, id);
    return now.a.outcome && now.a.evidence.length === 1 && now;
  });
  assert.equal(found.a.outcome, 'real');
  const kept = await li.evaluate(async (url) => {
    const answer = await fetch(url);
    return { status: answer.status, type: answer.headers.get('content-type') };
  }, found.a.evidence[0].url);
  assert.deepEqual(kept, { status: 200, type: 'image/jpeg' });
});
