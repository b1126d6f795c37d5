// How the app is built: hashed assets, no inline script or style (the gateway's
// content security policy allows neither), messages compiled beforehand.
import { paraglideVitePlugin } from '@inlang/paraglide-js';
import { svelte } from '@sveltejs/vite-plugin-svelte';
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
  ],
  build: {
    target: ['chrome89', 'safari15'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: 'assets.json',
    reportCompressedSize: false,
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': MOCK, '/ws': { target: MOCK, ws: true } },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node' },
});
