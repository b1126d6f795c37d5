import { expect, test } from 'vitest';
import { legible } from './overview';

test('characters that hide or reorder text are spelled out; words and line breaks stay', () => {
  expect(legible('a\u0000b\u202ec\u200bd\ufeff\u0085')).toBe('a\\u0000b\\u202ec\\u200bd\\ufeff\\u0085');
  expect(legible('{"门":"开"}\n<b>é</b>')).toBe('{"门":"开"}\n<b>é</b>');
});
