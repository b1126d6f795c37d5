/**
 * What a pushed message says on the lock screen: level, type, building. Never a
 * name and never a flat: the gateway does not send them, and this shows nothing
 * but what it knows the meaning of. Pure.
 */

/** Both languages; a missing one is filled from the other. */
interface Words {
  zh: string;
  en: string;
}

/** A message as the gateway pushes it. */
export interface Pushed {
  /** The alarm; empty for a trial of this phone alone. */
  alarm: string;
  rev: number;
  /** 1 (most urgent) to 4. */
  level: 1 | 2 | 3 | 4;
  title: Words;
  place: Words;
  test: boolean;
  /** A trial of this phone alone; echoed so that the app knows that it arrived. */
  trial: string;
}

/** What is shown. */
export interface Notice {
  title: string;
  body: string;
  /** One notification per alarm: a later message replaces the earlier one. */
  tag: string;
  /** Stays until it is touched. */
  requireInteraction: boolean;
  /** Milliseconds on, off, on… */
  vibrate: number[];
}

const LEVELS = {
  1: { zh: '一级', en: 'Level 1' },
  2: { zh: '二级', en: 'Level 2' },
  3: { zh: '三级', en: 'Level 3' },
  4: { zh: '四级', en: 'Level 4' },
} as const;
/** The same rhythms as the sounds of the app: quick pairs, three even beats, two soft ones. */
const RHYTHMS = { 1: [300, 100, 300, 100, 300, 100, 300], 2: [250, 200, 250, 200, 250], 3: [200, 300, 200], 4: [] };

/**
 * Reads a pushed body. One that cannot be read still gives a message: browsers
 * take the permission away from apps that show nothing when they are pushed.
 */
export function readPushed(text: string): Pushed {
  const raw = parse(text);
  return {
    alarm: str(raw.alarm),
    rev: typeof raw.rev === 'number' ? raw.rev : 0,
    // Never quieter than meant.
    level: raw.level === 2 || raw.level === 3 || raw.level === 4 ? raw.level : 1,
    title: words(raw.title),
    place: words(raw.place),
    test: raw.test === true,
    trial: str(raw.trial),
  };
}

/** The notification for a message. */
export function noticeOf(pushed: Pushed, locale: string): Notice {
  const en = locale === 'en';
  const say = (w: Words) => (en ? w.en : w.zh);
  if (pushed.trial) {
    return {
      title: en ? 'Wanglou reaches this phone' : '望楼能推送到这部手机',
      body: en ? 'A trial, not an alarm.' : '这是试发，不是告警。',
      tag: 'trial',
      requireInteraction: false,
      vibrate: [200],
    };
  }
  const test = pushed.test ? (en ? 'TEST · ' : '演练 TEST · ') : '';
  const title = say(pushed.title) || (en ? 'New alarm' : '新告警');
  const place = say(pushed.place);
  const open = en ? 'Touch to open' : '点开查看';
  return {
    title: `${test}${LEVELS[pushed.level][en ? 'en' : 'zh']} · ${title}`,
    body: place ? `${place} · ${open}` : open,
    tag: pushed.alarm || 'wanglou',
    requireInteraction: pushed.level <= 2,
    vibrate: RHYTHMS[pushed.level],
  };
}

/** Where a touch on the notification leads. */
export function pageOf(alarm: string): string {
  return alarm ? `/#/alarm/${encodeURIComponent(alarm)}` : '/';
}

function parse(text: string): Record<string, unknown> {
  try {
    const raw: unknown = JSON.parse(text);
    return typeof raw === 'object' && raw !== null && !Array.isArray(raw) ? (raw as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function str(raw: unknown): string {
  return typeof raw === 'string' ? raw : '';
}

function words(raw: unknown): Words {
  const given = typeof raw === 'object' && raw !== null ? (raw as Record<string, unknown>) : {};
  const zh = str(given.zh);
  const en = str(given.en);
  return { zh: zh || en, en: en || zh };
}
