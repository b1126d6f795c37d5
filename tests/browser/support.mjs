// A compound of the test's own: real mosquitto, the real gateway, real Chromium. Every process is ended by its id.
import { spawn, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const HERE = dirname(fileURLToPath(import.meta.url));
export const ROOT = join(HERE, '..', '..');
export const PROGRAM = process.env.WANGLOU_BIN ?? join(ROOT, 'target', 'debug', 'wanglou');
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

export const SCREENSHOTS = join(HERE, 'screenshots');

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
}

/** Asks again and again until `ask` gives something, at most so long. */
export async function eventually(what, ask, within = 15_000) {
  const until = Date.now() + within;
  for (;;) {
    const found = await ask().catch(() => undefined);
    if (found) return found;
    if (Date.now() > until) throw new Error(`not within ${within} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Chromium; `more` are flags of its own. */
export function launch(more = []) {
  mkdirSync(SCREENSHOTS, { recursive: true });
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: [...FLAGS, ...more] });
}

/** The alarm that fills the screen. */
export const fullScreen = (page) => page.locator('dialog.alarm[data-alarm]');
/** What the list holds. What tells somebody of a flood of alarms is no alarm. */
export const rows = (page) => page.locator('a.row[data-alarm]:not([data-kind=alarm_flood])');
export const live = (page) => page.locator('[data-phase=live]').first();
export const offline = (page) => page.locator('[data-phase=offline]').first();
export const ids = (page) => rows(page).evaluateAll((found) => found.map((row) => row.dataset.alarm));
export const picture = (page, name) => page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
export const detail = (page, id) => page.evaluate(async (alarm) => (await fetch(`/api/alarms/${alarm}`)).json(), id);

/** A command over HTTP, as the page itself may send it. */
export const command = (page, body) => page.evaluate(async (sent) => {
  const answer = await fetch('/api/cmd', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(sent) });
  return answer.json();
}, body);

/** A screen that came up by itself does not take a tap at once, so that a thumb on its way hits nothing. */
export async function tap(page, name) {
  await page.waitForTimeout(800);
  await page.getByRole('button', { name, exact: true }).click();
}

/** A phone that was linked by this address, and is live. */
export async function enrolled(browser, address, locale, colorScheme = 'light') {
  const context = await browser.newContext({ viewport: { width: 360, height: 640 }, locale, colorScheme });
  const page = await context.newPage();
  await page.goto(address);
  await page.getByRole('button', { name: locale === 'zh-CN' ? '绑定' : 'Link', exact: true }).click();
  await page.locator('[data-phase=live]').first().waitFor({ state: 'attached' });
  // The gate of the shift comes first; the list is behind it.
  await page.locator('button.start').waitFor({ state: 'attached' });
  await page.evaluate(() => { location.hash = '#/'; });
  await page.locator('button.start').waitFor({ state: 'detached' });
  return page;
}

/**
 * The line between phones and gateway, to be cut: `setOffline` of the browser leaves WebSockets alive.
 * Cut, it drops every connection and takes no new one; hung, it keeps them open and carries nothing; slow, it carries
 * so many bytes of the gateway in each tenth of a second and leaves the rest with it.
 */
export class Line {
  static async to(port) {
    const line = new Line();
    line.state = 'up';
    line.pairs = new Set();
    line.server = createServer((phone) => line.carry(phone, port)).listen(0, '127.0.0.1');
    await once(line.server, 'listening');
    line.port = line.server.address().port;
    return line;
  }

  carry(phone, port) {
    if (this.state === 'cut') return phone.destroy();
    const gateway = connect(port, '127.0.0.1');
    const pair = [phone, gateway];
    this.pairs.add(pair);
    for (const [from, to] of [pair, [gateway, phone]]) {
      from.on('data', (bytes) => { if (this.state === 'up' || this.state === 'slow') to.write(bytes); });
      from.on('error', () => {});
      from.on('close', () => { to.destroy(); this.pairs.delete(pair); });
    }
  }

  cut() {
    this.state = 'cut';
    for (const pair of this.pairs) for (const socket of pair) socket.destroy();
  }

  hang() { this.state = 'hung'; }

  /** About so many bytes each tenth of a second, from the gateway to the phones, until it is mended. */
  slowDown(bytes) {
    this.state = 'slow';
    for (const [phone, gateway] of this.pairs) {
      gateway.pause();
      gateway.removeAllListeners('data');
      gateway.on('readable', () => {});
      const sip = setInterval(() => {
        if (gateway.destroyed) return clearInterval(sip);
        const taken = gateway.read(this.state === 'slow' ? Math.min(bytes, gateway.readableLength) : undefined);
        if (taken) phone.write(taken);
      }, 100);
    }
  }

  /** Connections that hung stay dead, as behind a router that forgot them; new ones are carried. */
  mend() {
    for (const pair of this.pairs) for (const socket of pair) socket.removeAllListeners('data').resume();
    this.state = 'up';
  }

  stop() {
    this.cut();
    this.server.close();
  }
}

export class Compound {
  /**
   * With `line`, phones come through a [`Line`] that can be cut; with `clock`, the gateway's clocks can be moved
   * ahead; `extra` takes the place of the gateway's table `[push]`. `alwaysOn` are officers who are on duty at every hour, since the tests run at any.
   */
  static async start({ line = false, clock = false, alwaysOn = ['wu', 'li'], extra = '' } = {}) {
    const compound = new Compound();
    compound.folder = mkdtempSync(join(tmpdir(), 'wanglou-browser-'));
    cpSync(join(ROOT, 'config'), join(compound.folder, 'config'), { recursive: true });
    [compound.mqtt, compound.http, compound.metrics] = [await freePort(), await freePort(), await freePort()];
    if (line) compound.line = await Line.to(compound.http);
    compound.origin = `http://127.0.0.1:${compound.line?.port ?? compound.http}`;
    compound.config = join(compound.folder, 'config', 'gateway.toml');
    compound.edit('gateway.toml', '# port = 1883', `port = ${compound.mqtt}`);
    compound.edit('gateway.toml', '# listen = "127.0.0.1:8080"', `listen = "127.0.0.1:${compound.http}"`);
    compound.edit('gateway.toml', '# public_url = "http://127.0.0.1:8080"', `public_url = "${compound.origin}"`);
    compound.edit('gateway.toml', '# listen = "127.0.0.1:9464"', `listen = "127.0.0.1:${compound.metrics}"`);
    if (extra) writeFileSync(compound.config, readFileSync(compound.config, 'utf8').replace('\n[push]\n', extra));
    for (const officer of alwaysOn) {
      const file = 'sites/demo/officers.toml';
      const line = readFileSync(join(compound.folder, 'config', file), 'utf8').split('\n').find((l) => l.startsWith(`[officer.${officer}]`));
      compound.edit(file, line, `${line}\nalways_on_duty = true`);
    }
    const broker = join(compound.folder, 'mosquitto.conf');
    writeFileSync(broker, `listener ${compound.mqtt} 127.0.0.1\nallow_anonymous true\n`);
    compound.broker = spawn('mosquitto', ['-c', broker], { stdio: 'ignore' });
    compound.ahead = clock ? join(compound.folder, 'ahead') : undefined;
    if (clock) compound.moveClock(0);
    await compound.startGateway();
    compound.browser = await launch();
    return compound;
  }

  edit(name, from, to) {
    const path = join(this.folder, 'config', name);
    const text = readFileSync(path, 'utf8');
    if (text.split(from).length !== 2) throw new Error(`${name}: not exactly once: ${from}`);
    writeFileSync(path, text.replace(from, to));
  }

  /** So many seconds ahead of the machine's clock; it only goes forward. */
  moveClock(seconds) {
    writeFileSync(`${this.ahead}.new`, String(Math.ceil(seconds)));
    renameSync(`${this.ahead}.new`, this.ahead);
    this.aheadMs = Math.ceil(seconds) * 1000;
  }

  /** What the gateway's clock shows, as the machine's own shows it. */
  now() { return Date.now() + (this.aheadMs ?? 0); }

  async startGateway() {
    const clock = this.ahead ? ['--clock-ahead-file', this.ahead] : [];
    this.gateway = spawn(PROGRAM, ['run', '--config', this.config, ...clock], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.log = '';
    this.gateway.stderr.on('data', (bytes) => { this.log = (this.log + bytes).slice(-20_000); });
    const ready = async () => (await fetch(`http://127.0.0.1:${this.http}/readyz`)).ok;
    await eventually(`the gateway is ready\n${this.log}`, ready);
  }

  async killGateway() {
    const gone = once(this.gateway, 'exit');
    this.gateway.kill('SIGKILL');
    await gone;
  }

  publish(topic, payload) {
    execFileSync('mosquitto_pub', ['-p', String(this.mqtt), '-q', '1', '-t', topic, '-m', JSON.stringify(payload)]);
  }

  link(officer) {
    const printed = execFileSync(PROGRAM, ['enrol', '--config', this.config, '--officer', officer], { encoding: 'utf8' });
    return printed.match(/http:\S+#enrol=\S+/)[0];
  }

  /** A phone that is logged in as this officer. */
  phone(officer, locale = 'zh-CN', scheme = 'light') {
    return enrolled(this.browser, this.link(officer), locale, scheme);
  }

  async stop() {
    await this.browser?.close();
    this.line?.stop();
    for (const child of [this.gateway, this.broker]) {
      if (child && child.exitCode === null) {
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      }
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const two = (n) => String(n).padStart(2, '0');

/** Now, as clocks in Shanghai show it. */
function shanghai() {
  const at = new Date(Date.now() + 8 * 3600_000);
  const day = `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`;
  return { day, time: `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}` };
}

/** Milesight EM310-TILT behind ChirpStack: a cover stands open; from 60° on that is P1 at any hour. */
export function tiltedCover(compound, tilt = 49) {
  const eui = '24e124713d21a27d';
  compound.publish(`application/7c0d/device/${eui}/event/up`, {
    deduplicationId: `tilt-${Date.now()}`, time: new Date().toISOString(),
    deviceInfo: { deviceProfileName: 'EM310-TILT', devEui: eui }, fCnt: 9, fPort: 85, data: 'AXVk',
    object: { angle_x: 2.0, angle_y: -1.0, angle_z: 90 - tilt, battery: 81.0, threshold_x: 'normal', threshold_y: 'normal', threshold_z: 'trigger' },
    rxInfo: [{ gatewayId: '24e124fffef0a101', rssi: -90, snr: 5.0 }],
  });
}

/** A lift company's box: an e-bike has come in. */
export function ebike(compound) {
  const { day, time } = shanghai();
  compound.publish('elevator/WL0101/fault', {
    ST: 'add', TY: 'Fault', elevatorCode: 'WL0101', faultId: `${Date.now()}000000`, faultName: '电动车乘梯', fault_type: '37',
    monitorMessage: { floor: '1', speed: 0.0 }, sensorType: 'SINGLEBOX', time: `${day} ${time}`,
  });
}

/** Hikvision iSecure: something falls, and the camera is sure of it. */
export function thrownObject(compound) {
  const { day, time } = shanghai();
  const now = `${day}T${time}+08:00`;
  compound.publish('hikvision/isecure/events', {
    method: 'OnEventNotify',
    params: { ability: 'event_vss', sendTime: now, events: [{
      eventId: `THROW-${Date.now()}`, eventType: '930335', happenTime: now, srcIndex: 'isc-2', status: 0,
      data: { eventState: 'active', isDataRetransmission: false,
        targetAttrs: { cameraIndexCode: 'cam-1-east-1', deviceIndexCode: 'nvr-1' },
        ObjectsThrownDetection: [{ startTime: now, endTime: now,
          Image: { resourcesContentType: 'url', resourcesContent: 'http://127.0.0.1:9/pic?id=2' },
          RuleInfo: { ruleID: 1, ruleName: 'east', confidence: 98 } }] },
    }] },
  });
}

/** A Zigbee2MQTT contact of a home: the door was opened. */
export function homeDoor(compound, contact) {
  compound.publish('zigbee2mqtt/home-3-1203/door', { battery: 93, contact, linkquality: 110, voltage: 3010 });
}

/** Water below a cover, so many millimetres under the rim. */
export function water(compound, device, mm_below_rim) {
  compound.publish(`wanglou/v1/in/${device}`, { device, kind: 'water_level', value: { mm_below_rim } });
}

/** Wanglou's own format. */
export function cover(compound, device, open) {
  compound.publish(`wanglou/v1/in/${device}`, { device, kind: 'cover', value: { open } });
}
