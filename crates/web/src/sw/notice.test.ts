import { expect, test } from 'vitest';
import { noticeOf, pageOf, readPushed } from './notice';

const BODY = JSON.stringify({
  alarm: 'al_1',
  rev: 3,
  level: 2,
  title: { zh: '电动车进电梯', en: 'E-bike in lift' },
  place: { zh: '3号楼', en: 'Building 3' },
  name: '王老太', // Whatever else is sent is not shown.
});

test('a notification says level, type and building, in the language of the app', () => {
  const zh = noticeOf(readPushed(BODY), 'zh-CN');
  expect(zh).toMatchObject({ title: '二级 · 电动车进电梯', body: '3号楼 · 点开查看', tag: 'al_1', requireInteraction: true });
  expect(noticeOf(readPushed(BODY), 'en').title).toBe('Level 2 · E-bike in lift');
  expect(JSON.stringify(zh)).not.toContain('王');
});

test('a test says so first', () => {
  const pushed = { ...readPushed(BODY), test: true };
  expect(noticeOf(pushed, 'zh-CN').title).toContain('演练 TEST · 二级');
});

test('a body that cannot be read is still shown, as the most urgent', () => {
  for (const body of ['', 'not json', '[]', '{"level":9}', 'null']) {
    const notice = noticeOf(readPushed(body), 'zh-CN');
    expect(notice.title, body).toContain('一级 · 新告警');
    expect(notice.body).toBe('点开查看');
  }
});

test('a trial of the phone cannot be taken for an alarm', () => {
  const notice = noticeOf(readPushed('{"trial":"t1","level":1}'), 'zh-CN');
  expect(notice).toMatchObject({ title: '望楼能推送到这部手机', tag: 'trial', requireInteraction: false });
});

test('a touch leads to that alarm', () => {
  expect(pageOf('al/1')).toBe('/#/alarm/al%2F1');
  expect(pageOf('')).toBe('/');
});
