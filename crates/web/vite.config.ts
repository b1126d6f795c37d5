// How the app is built: hashed assets, no inline script or style (the gateway's
// content security policy allows neither), messages compiled beforehand, and the
// service worker with the list of the files that it keeps.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { paraglideVitePlugin } from '@inlang/paraglide-js';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** Where `npm run mock` listens; `npm run dev` passes the API on to it. */
const MOCK = 'http://127.0.0.1:4174';

export default defineConfig({
  plugins: [
    paraglideVitePlugin({
      project: './project.inlang',
      outdir: './src/paraglide',
      strategy: ['globalVariable', 'baseLocale'],
    }),
    svelte(),
    serviceWorker(),
  ],
  build: {
    target: ['chrome89', 'safari15'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: 'assets.json',
    reportCompressedSize: false,
    rollupOptions: {
      input: { index: 'index.html', sw: 'src/sw/worker.ts' },
      // Its address never changes: browsers look there for a newer one.
      output: { entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') },
    },
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': MOCK, '/ws': { target: MOCK, ws: true } },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});

/** Writes into the built worker which files it keeps, and a name for this build that changes whenever one of them does. */
function serviceWorker(): Plugin {
  return {
    name: 'wanglou-service-worker',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        const sw = bundle['sw.js'];
        if (sw?.type !== 'chunk') this.error('the service worker was not built as sw.js');
        if (sw.imports.length > 0 || /\bimport\b/.test(sw.code.replace(/import\.meta/g, ''))) {
          this.error(`the service worker must be one script, but it imports ${sw.imports.join(', ')}`);
        }
        const pages = readdirSync('public', { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => `${entry.parentPath}/${entry.name}`.replace(/^public/, ''));
        const built = Object.keys(bundle).filter((name) => name.startsWith('assets/')).map((name) => `/${name}`);
        const shell = ['/', ...pages, ...built].sort();
        const build = createHash('sha256').update(readFileSync('index.html'));
        for (const page of pages) build.update(readFileSync(`public${page}`));
        for (const [name, part] of Object.entries(bundle).sort(([a], [b]) => (a < b ? -1 : 1))) {
          if (part !== sw) build.update(name).update(part.type === 'chunk' ? part.code : part.source);
        }
        sw.code = sw.code
          .replaceAll('__SHELL__', JSON.stringify(shell))
          .replaceAll('__BUILD__', JSON.stringify(build.digest('hex').slice(0, 12)));
      },
    },
  };
}
