import { expect, test } from 'vitest';
import { parseAlarm } from './alarm';
import { alarm } from './fakes';

test('a full body is read as it is', () => {
  const body = alarm('al_1', { accepted_by: { id: 'o_8', name: '王师傅' }, evidence: [{ type: 'img', url: '/x' }] });
  expect(parseAlarm(JSON.parse(JSON.stringify(body)))).toEqual(body);
});

test('unknown kinds, states and fields are kept or left alone', () => {
  const read = parseAlarm({ id: 'al_1', rev: 2, kind: 'meteor', state: 'pondered', prio: 2, extra: { deep: 1 } });
  expect(read).toMatchObject({ kind: 'meteor', state: 'pondered', prio: 2, title: { zh: 'meteor', en: 'meteor' } });
  expect(read).not.toHaveProperty('extra');
});

test('a priority that is missing or unknown is the most urgent one', () => {
  expect([undefined, 0, 5, 'P2'].map((prio) => parseAlarm({ id: 'a', rev: 1, prio })?.prio)).toEqual([1, 1, 1, 1]);
});

test('an alarm without a state is open: a phone must rather ring than not', () => {
  expect([undefined, null, '', 7].map((state) => parseAlarm({ id: 'a', rev: 1, state })?.state)).toEqual(
    Array(4).fill('open'),
  );
});

test('a body without id or revision is no alarm', () => {
  expect([null, 7, [], {}, { id: 'a' }, { rev: 1 }, { id: 1, rev: 1 }].map(parseAlarm)).toEqual(Array(7).fill(null));
});

test('fields of the wrong type do not break the list', () => {
  const read = parseAlarm({ id: 'a', rev: 1, place: 'here', title: 3, evidence: [{}, null], actions: 'accept', esc: [] });
  expect(read).toMatchObject({ place: { id: '', path: [] }, evidence: [], actions: [], esc: null });
});

test('a text in one language stands in for the other', () => {
  expect(parseAlarm({ id: 'a', rev: 1, title: { zh: '井盖' } })?.title).toEqual({ zh: '井盖', en: '井盖' });
});
