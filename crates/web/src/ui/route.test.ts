import { expect, test, vi } from 'vitest';

// The module reads the address when it is loaded.
vi.stubGlobal('location', { hash: '' });
vi.stubGlobal('window', { addEventListener: () => undefined });
const { alarmHref, parseRoute } = await import('./route.svelte');

test('every place has its fragment, and an unknown one is the list', () => {
  const hashes = ['', '#', '#/', '#/settings', '#/admin', '#/alarm', '#/nowhere', '#enrol'];
  expect(hashes.map((hash) => parseRoute(hash).name)).toEqual([
    'list',
    'list',
    'list',
    'settings',
    'admin',
    'list',
    'list',
    'list',
  ]);
});

test('an alarm’s link leads back to it, whatever its id', () => {
  for (const id of ['al_1', 'a/b', '%', 'ü#?']) {
    expect(parseRoute(alarmHref(id))).toEqual({ name: 'alarm', id });
  }
});

test('the token of an enrolment link is taken as it is', () => {
  expect(parseRoute('#enrol=K7QM-R2XW')).toEqual({ name: 'enrol', token: 'K7QM-R2XW' });
  expect(parseRoute('#enrol=%')).toEqual({ name: 'enrol', token: '%' });
});

test('each page of the console has its own link, and an unknown one is the overview', () => {
  expect(parseRoute('#/admin')).toEqual({ name: 'admin', page: 'overview' });
  expect(parseRoute('#/admin/figures')).toEqual({ name: 'admin', page: 'figures' });
  expect(parseRoute('#/admin/nowhere')).toEqual({ name: 'admin', page: 'overview' });
});
