// Draws the icons that phones want as PNG from public/icon.svg, into public/icons (committed: they change with the
// drawing only). The maskable one fills its square, since phones cut it round; the badge is what a status bar shows,
// where only the outline counts.
//
//   node scripts/icons.mjs
import { mkdirSync, readFileSync } from 'node:fs';
import { launch } from './browser.mjs';

const PUBLIC = new URL('../public/', import.meta.url).pathname;
const drawing = readFileSync(`${PUBLIC}icon.svg`, 'utf8');
const tower = drawing.replace(/<rect width="64"[^>]*\/>/, '');

/** The tower on a square without corners, small enough for any mask. */
const maskable = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" fill="#12202d"/><g transform="translate(9.6 9.6) scale(0.7)">${tower.replace(/<\/?svg[^>]*>/g, '')}</g></svg>`;
/** White on nothing. */
const badge = tower.replace(/#12202d/g, 'transparent').replace(/fill="#(?:f2b84b|e9eef3)"/g, 'fill="#fff"');

const ICONS = [
  ['icon-192', 192, drawing],
  ['icon-512', 512, drawing],
  ['apple-touch-180', 180, drawing.replace('rx="14"', '')],
  ['maskable-512', 512, maskable],
  ['badge-96', 96, badge],
];

mkdirSync(`${PUBLIC}icons`, { recursive: true });
const browser = await launch();
for (const [name, size, svg] of ICONS) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  await page.setContent(`<style>html,body{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${svg}`);
  await page.screenshot({ path: `${PUBLIC}icons/${name}.png`, omitBackground: true });
  await page.close();
}
await browser.close();
