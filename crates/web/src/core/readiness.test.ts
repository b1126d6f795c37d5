import { expect, test } from 'vitest';
import { type Facts, type PushState, checks, reach } from './readiness';

const GOOD: Facts = {
  live: true,
  audio: true,
  heard: true,
  push: 'ok',
  pushTrial: 'arrived',
  awake: true,
  kept: true,
  battery: { percent: 80, charging: false },
};
const mark = (facts: Facts, name: string) => checks(facts).find((check) => check.name === name)?.mark;

test('a phone on which everything was tried is ready for both cases', () => {
  expect(checks(GOOD).map(({ mark }) => mark)).toEqual(['good', 'good', 'good', 'good', 'good', 'good']);
  expect(reach(GOOD)).toEqual({ open: 'alarms', closed: 'push' });
});

test('without a connection nothing arrives, whatever else is right', () => {
  expect(reach({ ...GOOD, live: false }).open).toBe('nothing');
  expect(mark({ ...GOOD, live: false }, 'connection')).toBe('bad');
});

test('a sound that nobody heard is not there', () => {
  expect(mark({ ...GOOD, heard: null }, 'sound')).toBe('weak');
  expect(mark({ ...GOOD, heard: false }, 'sound')).toBe('bad');
  expect(reach({ ...GOOD, heard: false }).open).toBe('silent');
  expect(reach({ ...GOOD, audio: false }).open).toBe('silent');
});

test('closed, the app promises nothing that was not seen to arrive', () => {
  expect(reach({ ...GOOD, pushTrial: null }).closed).toBe('untried');
  expect(reach({ ...GOOD, pushTrial: 'waiting' }).closed).toBe('untried');
  expect(reach({ ...GOOD, pushTrial: 'lost' }).closed).toBe('nothing');
  expect(mark({ ...GOOD, pushTrial: 'lost' }, 'push')).toBe('bad');
  const states: PushState[] = ['ask', 'denied', 'off', 'install', 'unsupported', 'failed', 'unknown'];
  for (const push of states) expect(reach({ ...GOOD, push }).closed, push).toBe('nothing');
});

test('what the phone does not tell is not known, and never good', () => {
  expect(mark({ ...GOOD, awake: null }, 'awake')).toBe('unknown');
  expect(mark({ ...GOOD, battery: null }, 'battery')).toBe('unknown');
  expect(mark({ ...GOOD, push: 'unknown' }, 'push')).toBe('unknown');
  expect(mark({ ...GOOD, battery: { percent: 12, charging: false } }, 'battery')).toBe('weak');
  expect(mark({ ...GOOD, battery: { percent: 12, charging: true } }, 'battery')).toBe('good');
});
