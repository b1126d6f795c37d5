// docs/wiring.md, followed to the letter: from a topic that nobody knows to a test alarm that a guard accepts.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { PROGRAM, ROOT, SCREENSHOTS, enrolled, eventually, freePort, launch } from './support.mjs';

const GUIDE = readFileSync(join(ROOT, 'docs', 'wiring.md'), 'utf8');
const TWIN = readFileSync(join(ROOT, 'docs', 'wiring.zh-CN.md'), 'utf8');
const START = 'wanglou demo --pace off --data demo';

const blocks = (text, language) =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map((found) => found[1]);

let folder;
let demo;
let printed = '';
let broker;
let browser;

/** Runs lines of the guide as they stand there, but for the broker's port. */
async function follow(lines) {
  const script = lines.replaceAll('wanglou publish', `wanglou publish --mqtt 127.0.0.1:${broker}`);
  const env = { ...process.env, PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}` };
  const { stdout } = await promisify(execFile)('sh', ['-ec', script], { cwd: folder, env });
  return stdout;
}

/** Answers the questions of the proposal: the lines of a diff without a header, replaced in the file. */
function answer(file, diff) {
  const lines = diff.trimEnd().split('\n');
  let text = readFileSync(file, 'utf8');
  for (const [n, line] of lines.entries()) {
    if (!line.startsWith('-')) continue;
    assert.equal(text.split(`\n${line.slice(1)}\n`).length, 2, `the proposal has once: ${line}`);
    text = text.replace(line.slice(1), lines[n + 1].slice(1));
  }
  writeFileSync(file, text);
}

/** Phones that are linked by the demo's own words; `[id, role]` of those on duty. */
const link = (officer) => printed.match(new RegExp(`^ +${officer} .*(http:\\S+#enrol=\\S+)`, 'm'))[1];
const guardOnDuty = () => printed.match(/^ +(\w+) +guard +on duty now/m)?.[1];

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wanglou-wiring-'));
  mkdirSync(join(folder, 'bin'));
  symlinkSync(PROGRAM, join(folder, 'bin', 'wanglou'));
  broker = await freePort();
  const [program, ...args] = `${START} --http 127.0.0.1:${await freePort()} --mqtt 127.0.0.1:${broker}`.split(' ');
  demo = spawn(join(folder, 'bin', program), args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  demo.stdout.on('data', (bytes) => { printed += bytes; });
  await eventually('the demo is ready', async () => printed.includes('Ctrl-C ends everything'), 60_000);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  if (demo && demo.exitCode === null) {
    const gone = once(demo, 'exit');
    demo.kill('SIGINT');
    await gone;
  }
  rmSync(folder, { recursive: true, force: true });
});

const card = (page) => page.locator('dialog.alarm[data-alarm]');

/** Takes the alarm on the screen: after the moment in which a new screen does not take a tap. */
async function accept(page, word) {
  await page.waitForTimeout(800);
  await page.getByRole('button', { name: word, exact: true }).click();
}

test('the guide is the same in both languages, command for command', () => {
  for (const language of ['sh', 'diff']) assert.deepEqual(blocks(TWIN, language), blocks(GUIDE, language));
});

test('a sensor that nobody knows is wired in within five minutes, by the guide alone', async () => {
  const begun = Date.now();
  const [start, say, see, propose, tryOut, place, trial, ask, promote] = blocks(GUIDE, 'sh');
  const [answers, whole] = blocks(GUIDE, 'diff');
  assert.equal(start.trim(), START);
  const he = await enrolled(browser, link('he'), 'zh-CN');
  const guard = guardOnDuty();
  assert.ok(guard, 'a guard is on duty at any hour');
  const wu = await enrolled(browser, link(guard), 'en');

  await follow(say);
  // The connection that looks for the unknown takes samples: it may be a moment behind.
  await eventually('the topic is shown', async () => (await follow(see)).includes('"cover_state":1'));
  await follow(propose);
  answer(join(folder, 'lidwatch.toml'), answers);
  assert.match(await follow(tryOut), /newly understood: 1/i);
  await follow(place);
  const left = await follow('wanglou quarantine list --config demo/config/gateway.toml');
  assert.doesNotMatch(left, /lidwatch/, 'what is wired in is not unknown any more');

  await follow(trial);
  await card(he).waitFor();
  await card(he).getByText('试运行', { exact: false }).first().waitFor();
  await he.screenshot({ path: join(SCREENSHOTS, 'wiring.trial.zh.png') });
  assert.equal(await card(wu).count(), 0, 'nobody else is told');
  await accept(he, '接警');
  assert.match(await follow(`${ask.trimEnd()} 2>&1`), /\/cover_state/, 'it says which pointer gave the value');

  await follow(promote);
  await card(wu).getByText('Cover 181').waitFor();
  await accept(wu, 'Accept');
  const testCard = card(wu).filter({ hasText: 'Test' });
  await testCard.waitFor();
  await wu.screenshot({ path: join(SCREENSHOTS, 'wiring.test.en.png') });
  await accept(wu, 'Accept');
  await testCard.waitFor({ state: 'detached' });
  const seconds = (Date.now() - begun) / 1000;
  console.log(`from an unknown topic to an accepted test alarm: ${seconds.toFixed(1)} s without reading and typing`);

  const file = whole.split('\n').filter((line) => /^\+(?!\+)/.test(line)).map((line) => line.slice(1));
  writeFileSync(join(folder, 'demo', 'config', 'profiles', 'lidwatch.toml'), `${file.join('\n')}\n`);
  await follow('wanglou check --config demo/config/gateway.toml && wanglou reload --config demo/config/gateway.toml');
});
