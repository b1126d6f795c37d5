// Pictures of every screen, in both languages and themes and beside these in the forms of screens/variants.mjs, into
// screenshots/ (not committed), with a page that shows them side by side: screenshots/index.html. Each is judged by axe.
// Fails on any violation, console error, refused resource, small target or sideways scrolling.
//
//   npm run build && npm run screens
//   node scripts/screens.mjs alarm en-dark       one screen, one variant; `all` for every
//   SCREENS_AT_ONCE=1 node scripts/screens.mjs   one after the other
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { startMock } from '../mock/server.mjs';
import { launch } from './browser.mjs';
import { CONSOLE_SCREENS } from './screens/console.mjs';
import { judged } from './screens/judge.mjs';
import { PHONE_SCREENS } from './screens/phone.mjs';
import { VARIANTS } from './screens/variants.mjs';

const OUT = new URL('../screenshots/', import.meta.url).pathname;
const SCREENS = { ...PHONE_SCREENS, ...CONSOLE_SCREENS };
/** Most of a picture's time is waiting for what a person would wait for. */
const AT_ONCE = Number(process.env.SCREENS_AT_ONCE) || 3 * availableParallelism();
const PROGRESS_MS = 10_000;
/** Long, for a busy machine: what is judged is the picture, not the time. */
const TIMEOUT_MS = 60_000;

const [screen_wanted = 'all', look_wanted = 'all'] = process.argv.slice(2);
const fits = (wanted, name) => wanted === 'all' || wanted === name;
const look = ({ locale, suffix = '' }, theme) => `${locale}-${theme}${suffix}`;
const wanted = VARIANTS.flatMap((variant) => {
  const themes = variant.themes.filter((theme) => fits(look_wanted, look(variant, theme)));
  const screens = Object.keys(SCREENS).filter((screen) => fits(screen_wanted, screen) && (variant.only?.includes(screen) ?? true));
  // One visit for both themes, unless it is over too soon.
  return screens.flatMap((screen) => (SCREENS[screen].fleeting ? themes.map((theme) => [theme]) : [themes]).map((of) => ({ screen, variant, themes: of })));
}).filter(({ themes }) => themes.length > 0);
const total = wanted.reduce((sum, { themes }) => sum + themes.length, 0);

let faults = 0;
/** Told as it comes: whoever waits can begin to look. */
const fault = (words) => {
  faults += 1;
  console.error(words);
};
if (wanted.length === 0) fault(`no screen "${screen_wanted}" in variant "${look_wanted}"`);
mkdirSync(OUT, { recursive: true });
// What an earlier run left is not of this build.
if (screen_wanted === 'all' && look_wanted === 'all') for (const name of readdirSync(OUT)) rmSync(`${OUT}${name}`);

const browser = await launch();
const waiting = [...wanted];
let taken = 0;
const progress = setInterval(() => console.log(`${taken} of ${total} pictures, ${faults} faults`), PROGRESS_MS);
await Promise.all(Array.from({ length: Math.min(AT_ONCE, wanted.length) }, lane));
clearInterval(progress);
await browser.close();

writeFileSync(`${OUT}index.html`, sheet());
console.log(`${taken} pictures, ${faults} faults; side by side in ${OUT}index.html`);
process.exit(faults > 0 ? 1 : 0);

/** One visit after the other, each before a mock of its own lane. */
async function lane() {
  const { address, close } = await startMock(0);
  for (let next = waiting.shift(); next; next = waiting.shift()) await visit(address, next);
  await close();
}

/** Brings one screen about and takes its picture in each theme. */
async function visit(address, { screen, variant, themes }) {
  const { scene, at = '', show } = SCREENS[screen];
  const { locale, size, text, grey, choices = {} } = variant;
  const mock = (word) => fetch(`${address}/mock/${word}`, { method: 'POST' });
  for (const word of scene) await mock(word);
  const context = await browser.newContext({
    viewport: size,
    locale,
    colorScheme: themes[0],
    reducedMotion: 'reduce',
    timezoneId: 'Asia/Shanghai',
    hasTouch: true,
    deviceScaleFactor: 1.5,
    // Each picture is of the build that lies there, not of one that was kept.
    serviceWorkers: 'block',
  });
  const page = await context.newPage();
  await page.addInitScript((chosen) => {
    for (const [key, value] of Object.entries(chosen)) localStorage.setItem(`wanglou.${key}`, value);
    localStorage.setItem('wanglou.duty', String(Date.now()));
  }, choices);
  page.setDefaultTimeout(TIMEOUT_MS);
  let name = `${screen}.${look(variant, themes[0])}`;
  const wrong = (words) => fault(`${name}: ${words}`);
  page.on('pageerror', (error) => wrong(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !expected(message.text())) wrong(`console: ${message.text()}`);
  });
  try {
    await page.goto(`${address}/${at}`);
    // What the browser's own text size does to html, which cannot be set from here.
    if (text) await page.evaluate((height) => (document.documentElement.style.fontSize = height), text);
    // By the browser: a filter on the page would leave out dialogs, which lie above it.
    if (grey) {
      const session = await context.newCDPSession(page);
      await session.send('Emulation.setEmulatedVisionDeficiency', { type: 'achromatopsia' });
    }
    await show(page, mock);
    for (const theme of themes) {
      name = `${screen}.${look(variant, theme)}`;
      await page.emulateMedia({ colorScheme: theme });
      await page.waitForTimeout(150);
      await page.screenshot({ path: `${OUT}${name}.png` });
      for (const words of await judged(page)) wrong(words);
      taken += 1;
    }
  } catch (error) {
    wrong(error.message.split('\n').slice(0, 4).join(' | '));
    await page.screenshot({ path: `${OUT}${name}.failed.png` }).catch(() => undefined);
  }
  await context.close();
}

/** Chromium reports every refused connection; here the mock refuses on purpose. */
function expected(text) {
  return /WebSocket connection to .* failed|status of (400|401|403|404|409)|ERR_(EMPTY_RESPONSE|CONNECTION)/.test(text);
}

/** All pictures, a row for each screen. */
function sheet() {
  const shown = readdirSync(OUT).filter((name) => name.endsWith('.png'));
  const rows = Object.keys(SCREENS).map((screen) => {
    const own = shown.filter((name) => name.startsWith(`${screen}.`));
    const pictures = own.map((name) => `<figure><img loading="lazy" src="${name}" height="480" alt="${name}"><figcaption>${name}</figcaption></figure>`);
    return pictures.length > 0 ? `<h2>${screen}</h2><div>${pictures.join('')}</div>` : '';
  });
  return `<!doctype html><meta charset="utf-8"><title>Wanglou: screens</title>
<style>body{font:14px sans-serif;background:#888}div{display:flex;gap:12px;overflow-x:auto}figure{margin:0}</style>
${rows.join('\n')}`;
}
