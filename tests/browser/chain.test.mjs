// From a sensor's message to an officer's phone: real broker, real gateway, real browser at phone size.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Compound, SCREENSHOTS, cover, ebike, eventually, homeDoor, thrownObject, tiltedCover } from './support.mjs';

let compound;
let wu;
let li;

before(async () => {
  compound = await Compound.start();
  wu = await compound.phone('wu');
  li = await compound.phone('li', 'en');
});

after(async () => compound?.stop());

const fullScreen = (page) => page.locator('dialog.alarm[data-alarm]');

/** The alarm comes up on both phones; wu takes it; li's phone falls silent and says who has it. */
async function takenByWu(send, name) {
  send(compound);
  await fullScreen(wu).waitFor();
  await fullScreen(li).waitFor();
  await wu.screenshot({ path: join(SCREENSHOTS, `${name}.zh.png`) });
  await li.screenshot({ path: join(SCREENSHOTS, `${name}.en.png`) });
  const id = await fullScreen(wu).getAttribute('data-alarm');
  // A screen that came up by itself does not take a tap at once, so that a thumb on its way hits nothing.
  await wu.waitForTimeout(800);
  await wu.getByRole('button', { name: '接警', exact: true }).click();
  await fullScreen(li).waitFor({ state: 'detached', timeout: 5_000 });
  await wu.screenshot({ path: join(SCREENSHOTS, `${name}.accepted.zh.png`) });
  const seen = await eventually('li sees who has it', () =>
    li.evaluate(async (alarm) => {
      const detail = await (await fetch(`/api/alarms/${alarm}`)).json();
      return detail.a.accepted_by?.id;
    }, id));
  assert.equal(seen, 'wu');
  return id;
}

test('a tilted cover behind ChirpStack rings, is accepted, and others see by whom', async () => {
  await takenByWu(tiltedCover, 'cover');
});

test('an e-bike that a lift company reports rings, is accepted, and others see by whom', async () => {
  await takenByWu(ebike, 'ebike');
});

test('a thrown object that a camera is sure of rings, is accepted, and others see by whom', async () => {
  await takenByWu(thrownObject, 'thrown');
});

test('a door of somebody who lives alone is heard, and nobody is called for it', async () => {
  homeDoor(compound, true);
  homeDoor(compound, false);
  const manager = await compound.phone('he');
  const device = await eventually('the door is live', async () => {
    const overview = await manager.evaluate(async () => (await fetch('/api/admin/overview')).json());
    return overview.devices.find((d) => d.id === 'home-3-1203-door' && d.liveness === 'live');
  });
  assert.ok(device.last_at);
  assert.equal(await fullScreen(wu).count(), 0);
  await manager.goto(`${compound.origin}/#/admin`);
  await manager.getByText('wanglou', { exact: false }).first().waitFor();
  await manager.screenshot({ path: join(SCREENSHOTS, 'console.zh.png'), fullPage: true });
  await manager.context().close();
});

test('a killed gateway loses nothing and doubles nothing', async () => {
  cover(compound, 'cover-42', true);
  await fullScreen(wu).waitFor();
  const id = await fullScreen(wu).getAttribute('data-alarm');
  await compound.killGateway();
  await compound.startGateway();
  await eventually('wu is connected again', async () => (await wu.locator('[data-phase=live]').count()) > 0, 30_000);
  assert.equal(await fullScreen(wu).getAttribute('data-alarm'), id);
  await wu.waitForTimeout(800);
  await wu.getByRole('button', { name: '接警', exact: true }).click();
  await compound.killGateway();
  await compound.startGateway();
  const accepted = await eventually('the acceptance is there', () =>
    wu.evaluate(async (alarm) => {
      const detail = await (await fetch(`/api/alarms/${alarm}`)).json();
      return detail.a.accepted_by?.id && detail;
    }, id), 30_000);
  assert.equal(accepted.a.accepted_by.id, 'wu');
  assert.equal(accepted.timeline.filter((line) => line.what === 'accepted').length, 1);
  assert.equal(accepted.a.count, 1);
});

test('a page of another origin may not act', async () => {
  const answer = await fetch(`${compound.origin}/api/enrol`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: 'http://evil.example' },
    body: JSON.stringify({ token: 'AAAA', name: 'x' }),
  });
  assert.equal(answer.status, 403);
});
