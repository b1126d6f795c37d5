// From a sensor's message to a rendered alarm, while 500 messages a second go by.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { Compound, command, detail, eventually } from './support.mjs';

const PER_SECOND = 500;
const ALARMS = 60;
/** protocol.md and the issue: p95 on loopback. */
const P95_MS = 300;

let compound;

before(async () => {
  compound = await Compound.start();
});

after(async () => compound?.stop());

/** As much of MQTT 3.1.1 as publishing at QoS 1 takes; a process for each message would measure its start. */
class Publisher {
  static async to(port) {
    const publisher = new Publisher();
    publisher.socket = connect(port, '127.0.0.1');
    publisher.socket.setNoDelay(true);
    publisher.acknowledged = 0;
    publisher.next = 0;
    const id = Buffer.from('latency');
    publisher.socket.write(Buffer.concat([Buffer.from([0x10, 12 + id.length, 0, 4]), Buffer.from('MQTT'), Buffer.from([4, 2, 0, 60, 0, id.length]), id]));
    await once(publisher.socket, 'data');
    publisher.socket.on('data', (bytes) => { publisher.acknowledged += bytes.length / 4; });
    return publisher;
  }

  publish(topic, payload) {
    const [name, body] = [Buffer.from(topic), Buffer.from(JSON.stringify(payload))];
    this.next = (this.next % 60_000) + 1;
    const length = 2 + name.length + 2 + body.length;
    const head = [0x32];
    for (let left = length; ; left >>= 7) {
      head.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
      if (left <= 0x7f) break;
    }
    this.socket.write(Buffer.concat([Buffer.from(head), Buffer.from([name.length >> 8, name.length & 0xff]), name, Buffer.from([this.next >> 8, this.next & 0xff]), body]));
  }
}

test('an alarm is on the screen within 300 ms at the 95th percentile', { timeout: 120_000 }, async () => {
  const wu = await compound.phone('wu');
  const publisher = await Publisher.to(compound.mqtt);
  let sent = 0;
  const began = Date.now();
  const traffic = setInterval(() => {
    for (const due = ((Date.now() - began) / 1000) * PER_SECOND; sent < due; sent += 1) {
      publisher.publish('zigbee2mqtt/home-3-1203/door', { battery: 93, contact: true, linkquality: sent % 255, voltage: 3010 });
    }
  }, 10);
  // When each alarm is drawn for the first time: the frame after it came into the document.
  await wu.evaluate(() => {
    globalThis.drawn = new Map();
    const look = () => {
      for (const found of document.querySelectorAll('[data-alarm]')) {
        const { alarm } = found.dataset;
        if (globalThis.drawn.has(alarm)) continue;
        globalThis.drawn.set(alarm, null);
        requestAnimationFrame(() => globalThis.drawn.set(alarm, Date.now()));
      }
    };
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ['data-alarm'] });
  });
  const took = [];
  const known = new Map();
  try {
    for (let n = 0; n < ALARMS; n += 1) {
      const device = `cover-${20 + n}`;
      const at = Date.now();
      publisher.publish(`wanglou/v1/in/${device}`, { device, kind: 'cover', value: { open: true } });
      // By its place: a digest of a flood is drawn too.
      const [id, drawn] = await eventually(`${device} is drawn`, async () => {
        const fresh = await wu.evaluate((seen) => [...globalThis.drawn].filter(([id, at]) => at !== null && !seen.includes(id)), [...known.keys()]);
        for (const [one, when] of fresh) known.set(one, [(await detail(wu, one)).a.place.id, when]);
        const mine = [...known].find(([, [place]]) => place === `cover/${20 + n}`);
        return mine && [mine[0], mine[1][1]];
      });
      took.push(drawn - at);
      await command(wu, { cid: `take-${n}`, op: 'accept', id, rev: 1 });
    }
  } finally {
    clearInterval(traffic);
    publisher.socket.destroy();
  }
  const rate = sent / ((Date.now() - began) / 1000);
  took.sort((a, b) => a - b);
  const [p50, p95] = [took[Math.floor(took.length * 0.5)], took[Math.floor(took.length * 0.95)]];
  console.log(`sensor → rendered, ${ALARMS} alarms at ${Math.round(rate)} messages/s: p50 ${p50} ms, p95 ${p95} ms, max ${took.at(-1)} ms`);
  assert.ok(rate > PER_SECOND * 0.9, `only ${rate} messages/s`);
  assert.ok(p95 < P95_MS, `p95 ${p95} ms`);
});
