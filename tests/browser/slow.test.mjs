// A phone on a line that carries little: the gateway keeps no heap for it, it is told to ask anew, and ends up with the
// right list.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Compound, command, detail, eventually, live, rows } from './support.mjs';

const UPDATES = 500;
/** As long as a report may be: each update carries it whole. */
const WORDS = '水'.repeat(1_000);

let compound;

before(async () => {
  compound = await Compound.start({ line: true });
});

after(async () => compound?.stop());

const kilobytes = (pid, field) => Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`${field}:\\s+(\\d+)`))[1]);

test('500 updates to a slow phone: bounded memory, resync, and the right state at the end', { timeout: 120_000 }, async () => {
  const wu = await compound.phone('wu');
  // Somebody whose own line is quick.
  const frames = [];
  wu.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => frames.push(JSON.parse(payload))));
  await wu.reload();
  await live(wu).waitFor({ state: 'attached' });

  const place = await wu.evaluate(async () => (await (await fetch('/api/places')).json())[0].id);
  const { id } = await command(wu, { cid: 'r-1', op: 'report', id: '', rev: 0, category: 'other', text: WORDS, place, photos: [] });
  await eventually('it is in the list', async () => (await rows(wu).evaluateAll((all, id) => all.some((row) => row.dataset.alarm === id), id)));
  const before = kilobytes(compound.gateway.pid, 'VmRSS');
  const heap = () => wu.evaluate(() => performance.memory.usedJSHeapSize);
  const heap_before = await heap();

  // The notes go past the slow line, as another phone of the officer would send them.
  const [cookie] = await wu.context().cookies();
  const note = (n) => fetch(`http://127.0.0.1:${compound.http}/api/cmd`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: compound.origin, cookie: `${cookie.name}=${cookie.value}` },
    body: JSON.stringify({ cid: `n-${n}`, op: 'note', id, note: `note ${n}`, text: `note ${n}` }),
  }).then((answer) => answer.json());
  compound.line.slowDown(4_000);
  let highest = 0;
  for (let n = 1; n <= UPDATES; n += 1) {
    const answer = await note(n);
    assert.equal(answer.t, 'ok', JSON.stringify(answer));
    if (n % 50 === 0) highest = Math.max(highest, kilobytes(compound.gateway.pid, 'VmRSS'));
  }
  assert.ok(highest - before < 40_000, `the gateway grew by ${highest - before} kB`);
  compound.line.mend();

  await eventually('the phone was told to ask anew', async () => frames.some((frame) => frame.t === 'resync'), 60_000);
  await live(wu).waitFor({ state: 'attached', timeout: 60_000 });
  const right = await detail(wu, id);
  assert.ok(right.timeline.some((line) => line.text?.en === `note ${UPDATES}` || JSON.stringify(line).includes(`note ${UPDATES}`)), 'the gateway has the last note');
  await eventually('the phone has the latest revision', async () => frames.filter((frame) => frame.t === 'alarm' && frame.a.id === id).at(-1)?.a.rev === right.a.rev, 30_000);
  const shown = frames.filter((frame) => frame.t === 'alarm' && frame.a.id === id).length;
  assert.ok(shown < UPDATES, `${shown} of ${UPDATES} were sent one by one`);
  const grown = (await heap()) - heap_before;
  assert.ok(grown < 20_000_000, `the page grew by ${grown} B`);
});
