import { expect, test } from 'vitest';
import { uuid7 } from './uuid7';

test('the example of RFC 9562 appendix A.6 comes out', () => {
  const random = Uint8Array.from([0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f]);
  expect(uuid7(0x017f22e279b0, random)).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f');
});

test('ids sort by time, also across a byte of it', () => {
  const ids = [255, 256, 65_535, 65_536, 1_800_000_000_000].map((ms) => uuid7(ms, new Uint8Array(10)));
  expect([...ids].sort()).toEqual(ids);
});
