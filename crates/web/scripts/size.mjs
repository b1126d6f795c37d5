// The phone's JavaScript, gzipped, against its limit: what index.html loads by
// itself, with every chunk that needs. Run after `npm run build`.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const LIMIT_BYTES = 90_000;

const dist = new URL('../dist/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('assets.json', dist), 'utf8'));

/** The chunk and everything it imports before it can run. */
function needed(key, found = new Set()) {
  if (found.has(key)) return found;
  found.add(key);
  for (const other of manifest[key].imports ?? []) needed(other, found);
  return found;
}

const gzipped = (file) => gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length;

let total = 0;
for (const key of needed('index.html')) {
  const { file } = manifest[key];
  const bytes = gzipped(file);
  total += bytes;
  console.log(`${file}: ${bytes} B gzipped`);
}
console.log(`phone entry: ${total} B of ${LIMIT_BYTES} B`);
if (total > LIMIT_BYTES) {
  console.error('too large: move what a phone does not need at once into a lazy chunk');
  process.exit(1);
}
