import { expect, test } from 'vitest';
import { parseFrame } from './wire';

test('frames that are not messages of this version are ignored', () => {
  const frames = ['', '{', 'null', '[]', '"ping"', '{"t":"tomorrow"}', '{"t":"alarm"}', '{"t":"alarm","a":{}}', '{"t":"gone"}'];
  expect(frames.map(parseFrame)).toEqual(frames.map(() => null));
});

test('a refusal carries who was faster', () => {
  const frame = '{"t":"err","cid":"c","code":"taken","by":{"id":"o_8","name":"王师傅"},"rev":4}';
  expect(parseFrame(frame)).toEqual({
    t: 'err',
    cid: 'c',
    code: 'taken',
    by: { id: 'o_8', name: '王师傅' },
    rev: 4,
    text: null,
  });
});

test('an alarm without a number is state outside the stream', () => {
  expect(parseFrame('{"t":"alarm","a":{"id":"a","rev":1}}')).toMatchObject({ seq: null, replay: false });
});
