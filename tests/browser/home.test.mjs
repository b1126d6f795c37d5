// Somebody who lives alone has not opened their door for a day: from a Zigbee2MQTT contact to the captain's phone.
// The day is simulated: a file moves the gateway's clocks ahead, and the sensors follow.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Compound, SCREENSHOTS, eventually } from './support.mjs';

const HOUR = 3600_000;
let compound;

before(async () => {
  compound = await Compound.start({ clock: true, alwaysOn: ['kong'] });
});

after(async () => compound?.stop());

/** Ten in the morning of tomorrow in Shanghai: far from the hours in which nobody is called. */
function tomorrowAtTen() {
  const shanghai = new Date(Date.now() + 8 * HOUR);
  return Date.UTC(shanghai.getUTCFullYear(), shanghai.getUTCMonth(), shanghai.getUTCDate() + 1, 10) - 8 * HOUR;
}

/** The contact of the flat's door, and the other sensors of the home that are heard every hour. */
function beat(open = false) {
  compound.publish('zigbee2mqtt/home-1-201/door', {
    battery: 88, contact: !open, last_seen: new Date(compound.now()).toISOString(), linkquality: 96, voltage: 2985,
  });
}

async function metric(name, label) {
  const text = await (await fetch(`http://127.0.0.1:${compound.metrics}/metrics`)).text();
  const line = text.split('\n').find((l) => l.startsWith(name) && l.includes(label));
  return Number(line?.split(' ').at(-1) ?? 0);
}

/** Forward to a time of the gateway's clock; returns once the gateway has taken in what a sensor said then. */
async function forward(until) {
  const contacts = () => metric('wanglou_observations_total', 'kind="contact"');
  while (compound.now() < until) {
    const next = Math.min(until, compound.now() + HOUR);
    compound.moveClock((next - Date.now()) / 1000);
    const before = await contacts();
    beat();
    await eventually('the contact is heard', async () => (await contacts()) > before);
  }
}

const raised = () => metric('wanglou_alarms_raised_total', 'kind="living_alone"');

test('a door that stays shut for a day brings the captain to it, and others see who goes', async () => {
  compound.moveClock((tomorrowAtTen() - Date.now()) / 1000);
  const went = compound.now();
  beat(true);
  beat(false);
  await forward(went + 24 * HOUR - 60_000);
  assert.equal(await raised(), 0, 'nobody before their time');
  await forward(went + 24 * HOUR + 30_000);
  await eventually('the resident is called', async () => (await raised()) === 1);

  const captain = await compound.phone('yun');
  const worker = await compound.phone('kong', 'en');
  await forward(went + 24 * HOUR + 21 * 60_000);
  const fullScreen = (page) => page.locator('dialog.alarm[data-alarm]');
  await fullScreen(captain).waitFor({ timeout: 20_000 });
  await fullScreen(worker).waitFor({ timeout: 20_000 });
  await captain.screenshot({ path: join(SCREENSHOTS, 'home.zh.png') });
  assert.match(await fullScreen(captain).innerText(), /一天没有活动迹象.*无人处理/s, 'why, and that nobody has gone yet');
  await worker.screenshot({ path: join(SCREENSHOTS, 'home.en.png') });
  const id = await fullScreen(captain).getAttribute('data-alarm');
  await captain.waitForTimeout(800);
  await captain.getByRole('button', { name: '接警', exact: true }).click();
  await fullScreen(worker).waitFor({ state: 'detached', timeout: 5_000 });
  await captain.screenshot({ path: join(SCREENSHOTS, 'home.accepted.zh.png') });
  const detail = await eventually('the worker sees who has it', () =>
    worker.evaluate(async (alarm) => {
      const found = await (await fetch(`/api/alarms/${alarm}`)).json();
      return found.a.accepted_by?.id && found;
    }, id));
  assert.equal(detail.a.accepted_by.id, 'yun');
  assert.equal(detail.a.place.id, '1/1/201');
  assert.equal(detail.a.kind, 'living_alone');
});
