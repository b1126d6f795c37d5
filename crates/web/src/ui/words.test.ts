import { expect, test, vi } from 'vitest';
import { alarm } from '../core/fakes';
import { show } from '../core/ring';

// The words follow the language chosen on the device, which a test has none of.
vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => undefined });
vi.stubGlobal('navigator', { languages: ['zh-CN'] });
vi.stubGlobal('document', { documentElement: { dataset: {} } });
const { prefs } = await import('./prefs.svelte');
const words = await import('./words');

const HOUR = 3_600_000;

/** What is said in Chinese, then in English. */
function both<T>(said: () => T): [T, T] {
  prefs.setLocale('zh-CN');
  const zh = said();
  prefs.setLocale('en');
  return [zh, said()];
}

test('a span has at most two units', () => {
  const spans = [0, 59_999, 60_000, 125_000, HOUR, 25 * HOUR + 5 * 60_000];
  expect(both(() => spans.map(words.span))).toEqual([
    ['0 秒', '59 秒', '1 分 0 秒', '2 分 5 秒', '1 小时 0 分', '1 天 1 小时'],
    ['0 s', '59 s', '1 min 0 s', '2 min 5 s', '1 h 0 min', '1 d 1 h'],
  ]);
});

test('a span that lies ahead or cannot be read is none', () => {
  prefs.setLocale('en');
  expect([-5_000, Number.NaN].map(words.span)).toEqual(['0 s', '0 s']);
});

test('in a list nothing below a minute ticks', () => {
  prefs.setLocale('en');
  expect([61_000, 119_000, 2 * HOUR].map(words.spanCoarse)).toEqual(['1 min', '1 min', '2 h 0 min']);
});

test('a place is said in the language of the app, one without a path by its id', () => {
  expect(both(() => words.placeLine(alarm('a')))).toEqual(['东区 2号路', 'East, Road 2']);
  expect(both(() => words.placeShort(alarm('a')))).toEqual(['2号路', 'Road 2']);
  expect(words.placeLine(alarm('a', { place: { id: 'mh-17', path: [], path_en: [] } }))).toBe('mh-17');
});

test('who has accepted is named', () => {
  const by = (id: string, state: string) => show(alarm('a', { state, accepted_by: { id, name: '王师傅' } }), [], 'o_wu');
  prefs.setLocale('zh-CN');
  expect(words.stateLine(by('o_8', 'accepted'))).toBe('已由王师傅接警');
  expect(words.stateLine(by('o_wu', 'accepted'))).toBe('你已接警');
  expect(words.stateLine(by('o_8', 'en_route'))).toBe('王师傅 · 在路上');
  expect(words.stateLine(show(alarm('a', { prio: 4 }), [], 'o_wu'))).toBe('仅供知晓');
});

test('codes that this version does not know are shown as they came', () => {
  expect([words.stateWord('pondered'), words.actionWord('levitate'), words.happeningWord('teleported')]).toEqual([
    'pondered',
    'levitate',
    'teleported',
  ]);
});

test('a refusal is told in the gateway’s words, who was faster by name', () => {
  const refusal = (code: string, text: { zh: string; en: string } | null = null) => ({ cid: 'c', code, by: null, rev: null, text });
  prefs.setLocale('zh-CN');
  expect(words.refusalText({ ...refusal('taken'), by: { id: 'o_8', name: '王师傅' } })).toBe('已由王师傅接警');
  expect(words.refusalText(refusal('changed', { zh: '级别已提高', en: 'more urgent' }))).toBe('级别已提高');
  expect(words.refusalText(refusal('gone'))).toBe('此告警已结束');
  expect(words.refusalText(refusal('odd'))).toBe('没有成功：odd');
});

test('a time of another day has its date', () => {
  const noon = new Date(2026, 2, 2, 12, 0, 0).getTime();
  expect(words.dayTime(noon - 1_000, noon)).toBe('11:59:59');
  expect(words.dayTime(noon - 24 * HOUR, noon)).toBe('3-01 12:00:00');
  expect(words.dayTime('nonsense', noon)).toBe('');
});

test('what became of an attempt is told in words, and what is not known as it came', () => {
  expect(both(() => words.effectWords('done: taken, subscription gone'))).toEqual([
    '已送出：推送服务已接收、订阅已失效',
    'sent: the push service took it, the subscription has ended',
  ]);
  expect(both(() => words.effectWords('queued'))[0]).toBe('等待发送');
  expect(both(() => words.effectWords('failed: status 503'))[0]).toBe('没有送出：status 503');
});

test('a voice that the lift has is not said to have played, and what it did not do sends somebody there', () => {
  expect(both(() => words.liftStateWord('voice', 'confirmed'))).toEqual(['已送到电梯，播放与否电梯不回报', 'Given to the lift, which does not say whether it played']);
  expect(both(() => words.liftStateWord('hold', 'confirmed'))).toEqual(['电梯已执行', 'The lift did it']);
  expect(both(() => words.liftStateWord('hold', 'timed_out'))[0]).toContain('请到现场');
  expect(both(() => words.liftStateWord('release', 'unknown'))[1]).toContain('not sent again');
  expect(both(() => words.liftActionWord('voice'))).toEqual(['语音劝离', 'Voice in the car']);
  expect(words.liftActionWord('dance')).toBe('dance');
});

test('how the connection and pushed messages stand is told in words, and whatever gets no alarms says so', () => {
  expect(both(() => words.phaseWord('connecting'))).toEqual(['正在同步', 'Syncing']);
  for (const phase of ['waiting', 'replaced', 'outdated'] as const) {
    expect(both(() => words.phaseWord(phase))).toEqual([expect.stringContaining('收不到告警'), expect.stringMatching(/no alarms arrive/)]);
  }
  expect(both(() => words.pushWord('off'))[0]).toBe('望楼没有配置推送。');
});

test('what was entered is told, and so is what nobody knows, and a refusal without words', () => {
  expect(words.enteredWords({ kind: 'done' }, '好')).toBe('好');
  expect(both(() => words.enteredWords({ kind: 'unreachable' }))[0]).toContain('不知道登记了没有');
  expect(both(() => words.enteredWords({ kind: 'refused', code: 'invalid', words: null }))).toEqual(['没有成功：invalid', 'Did not work: invalid']);
});

test('what is planned is told to the minute, with the day unless it is today', () => {
  const now = new Date(2026, 2, 2, 9, 0).getTime();
  expect(words.dayMinute(new Date(2026, 2, 2, 21, 4, 9).getTime(), now)).toBe('21:04');
  expect(words.dayMinute(new Date(2026, 2, 5, 7, 30).getTime(), now)).toBe('3-05 07:30');
  expect(words.dayMinute('never', now)).toBe('');
});
