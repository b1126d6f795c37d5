import { expect, test } from 'vitest';
import en from '../messages/en.json';
import zh from '../messages/zh-CN.json';

const parameters = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

test('both languages say everything, with the same parameters', () => {
  expect(Object.keys(en).sort()).toEqual(Object.keys(zh).sort());
  for (const [key, text] of Object.entries(zh)) {
    expect([key, parameters(en[key as keyof typeof en])]).toEqual([key, parameters(text)]);
  }
});

test('no message is empty', () => {
  for (const text of [...Object.values(zh), ...Object.values(en)]) expect(text.trim()).not.toBe('');
});
