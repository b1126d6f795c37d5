import { expect, test } from 'vitest';
import { localeFor } from './prefs';

test('every Chinese is Chinese, the first language that is known wins, anything else is English', () => {
  expect(localeFor(['zh-Hans-CN', 'en'])).toBe('zh-CN');
  expect(localeFor(['ZH'])).toBe('zh-CN');
  expect(localeFor(['ug-CN', 'zh-CN', 'en'])).toBe('zh-CN');
  expect(localeFor(['en-GB', 'zh-CN'])).toBe('en');
  expect(localeFor(['de'])).toBe('en');
  expect(localeFor([])).toBe('en');
});
