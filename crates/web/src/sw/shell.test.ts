import { expect, test } from 'vitest';
import { answeredBy, isOldShell, shellCache } from './shell';

const ORIGIN = 'https://wanglou.example';
const SHELL = ['/', '/assets/index-abc.js', '/icon.svg'];
const get = (path: string, navigates = false) =>
  answeredBy({ method: 'GET', url: `${ORIGIN}${path}`, navigates }, ORIGIN, SHELL);

test('the page and the files of the build are answered from what is kept', () => {
  expect(get('/', true)).toBe('/');
  expect(get('/?source=pwa', true)).toBe('/');
  expect(get('/index.html', true)).toBe('/');
  expect(get('/assets/index-abc.js')).toBe('/assets/index-abc.js');
});

test('alarms, pictures, the socket, health and unknown files always go to the gateway', () => {
  for (const path of ['/api/session', '/api/alarms/al_1', '/api/evidence/al_1/0', '/ws', '/readyz', '/metrics']) {
    expect(get(path), path).toBeNull();
    expect(get(path, true), `${path} as a page`).toBeNull();
  }
  expect(get('/assets/index-old.js')).toBeNull();
  expect(get('/'), 'fetched by a script').toBeNull();
});

test('what changes something, and what is of another origin, is left alone', () => {
  expect(answeredBy({ method: 'POST', url: `${ORIGIN}/`, navigates: true }, ORIGIN, SHELL)).toBeNull();
  expect(answeredBy({ method: 'GET', url: 'https://evil.example/', navigates: true }, ORIGIN, SHELL)).toBeNull();
});

test('only older builds of the app are thrown away', () => {
  expect(isOldShell(shellCache('a'), 'b')).toBe(true);
  expect(isOldShell(shellCache('b'), 'b')).toBe(false);
  expect(isOldShell('wanglou-choices', 'b')).toBe(false);
});
