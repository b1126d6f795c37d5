import { expect, test } from 'vitest';
import { localeFor, loudnesses, savedLoudness, savedTextSize } from './prefs';

test('every Chinese is Chinese, the first language that is known wins, anything else is English', () => {
  expect(localeFor(['zh-Hans-CN', 'en'])).toBe('zh-CN');
  expect(localeFor(['ZH'])).toBe('zh-CN');
  expect(localeFor(['ug-CN', 'zh-CN', 'en'])).toBe('zh-CN');
  expect(localeFor(['en-GB', 'zh-CN'])).toBe('en');
  expect(localeFor(['de'])).toBe('en');
  expect(localeFor([])).toBe('en');
});

test('what calls people to their feet cannot be turned off', () => {
  expect(loudnesses(1)).not.toContain('off');
  expect(loudnesses(2)).not.toContain('off');
  expect(loudnesses(3)).toContain('off');
});

test('without storage the choices are the usual ones', () => {
  expect(savedTextSize()).toBe(1);
  expect(savedLoudness(1)).toBe('loud');
});
