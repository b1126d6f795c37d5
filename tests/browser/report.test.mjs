// Somebody on patrol sees a hazard: told with a picture, without a network at first, it reaches the others.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Compound, SCREENSHOTS, eventually } from './support.mjs';

let compound;
let wu;

before(async () => {
  compound = await Compound.start({ line: true });
  wu = await compound.phone('wu');
});

after(async () => compound?.stop());

const live = (page) => page.locator('[data-phase=live]').first();

test('a report made without a network arrives once, with its picture and without the place inside it', { timeout: 90_000 }, async () => {
  await wu.evaluate(() => { location.hash = '#/report'; });
  await wu.locator('[data-place]').first().waitFor();
  compound.line.cut();
  await wu.locator('[data-phase=offline]').first().waitFor();
  await wu.getByRole('button', { name: '着火、冒烟' }).click();
  const place = wu.locator('[data-place]').first();
  const id = await place.getAttribute('data-place');
  await place.click();
  // A JPEG whose Exif names a place; what arrives must not.
  const jpeg = Buffer.from(await wu.evaluate(async () => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [2000, 1000];
    canvas.getContext('2d').fillRect(0, 0, 500, 500);
    return canvas.toDataURL('image/jpeg').split(',')[1];
  }), 'base64');
  const exif = Buffer.concat([Buffer.from('Exif\0\0'), Buffer.from('GPS 31.23N 121.47E')]);
  const head = Buffer.from([0xff, 0xe1, 0, exif.length + 2]);
  const buffer = Buffer.concat([jpeg.subarray(0, 2), head, exif, jpeg.subarray(2)]);
  await wu.locator('input[type=file]').setInputFiles({ name: 'a.jpg', mimeType: 'image/jpeg', buffer });
  await wu.locator('.photos img').waitFor();
  await wu.locator('textarea').fill('楼道里冒烟');
  await wu.locator('button.send').click();
  await wu.locator('.done', { hasText: '待发送' }).waitFor();
  await wu.screenshot({ path: join(SCREENSHOTS, 'report.zh.png') });
  compound.line.mend();
  await live(wu).waitFor({ state: 'attached', timeout: 30_000 });
  const found = await eventually('the report is an alarm', async () => {
    const ids = await wu.evaluate(() => new Promise((done) => {
      const open = indexedDB.open('wanglou');
      open.onsuccess = () => {
        const all = open.result.transaction('alarms').objectStore('alarms').getAll();
        all.onsuccess = () => done(all.result.map((a) => a.id));
      };
    }));
    for (const alarm of ids) {
      const detail = await wu.evaluate(async (one) => (await fetch(`/api/alarms/${one}`)).json(), alarm);
      if (detail.a?.place.id === id && detail.a.evidence.length > 0) return detail;
    }
    return undefined;
  }, 30_000);
  assert.equal(found.a.prio, 1, 'fire is of the first level');
  const picture = await wu.evaluate(async (url) => {
    const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
    const image = await createImageBitmap(new Blob([bytes]));
    return { width: image.width, gps: new TextDecoder('latin1').decode(bytes).includes('GPS'), size: bytes.length };
  }, found.a.evidence[0].url);
  assert.equal(picture.width, 1600);
  assert.equal(picture.gps, false);
});

test('what is no picture, names no picture, or says nothing is refused with words', async () => {
  const post = (path, body, type = 'application/json') => wu.evaluate(async ([path, body, type]) => {
    const answer = await fetch(path, { method: 'POST', headers: { 'content-type': type }, body });
    return { status: answer.status, body: await answer.json().catch(() => null) };
  }, [path, body, type]);
  const photo = await post('/api/photos', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'image/svg+xml');
  assert.deepEqual([photo.status, photo.body.code], [400, 'not_a_picture']);
  const report = (fields) => post('/api/cmd', JSON.stringify({ cid: `r-${Math.random()}`, op: 'report', id: '', rev: 0, at: '2026-03-02T09:00:00Z', ...fields }));
  for (const fields of [{ place: '1' }, { category: 'fire' }, { category: 'fire', place: 'nowhere/at/all' },
    { category: 'fire', place: '1', photos: ['http://127.0.0.1:9/x'] }]) {
    const { status, body } = await report(fields);
    assert.equal(status, 400, JSON.stringify(fields));
    assert.ok(body.text.zh && body.text.en);
  }
});

test('homes are not in the list of places', async () => {
  const places = await wu.evaluate(async () => (await fetch('/api/places')).json());
  assert.ok(places.length > 10);
  assert.deepEqual(places.filter(({ id }) => /^\d+\/\d+\/\d{3,}/.test(id)), []);
});
