/** What a person chose on this device: language and theme. Survives a log-out, holds nothing private. */

export const LOCALES = ['zh-CN', 'en'] as const;
export type Locale = (typeof LOCALES)[number];
/** `auto` follows the device. */
export type Theme = 'auto' | 'dark' | 'light';

const LOCALE_KEY = 'wanglou.locale';
const THEME_KEY = 'wanglou.theme';

/** The chosen language, else the first of the device's languages that the app speaks, else English. */
export function savedLocale(): Locale {
  const saved = read(LOCALE_KEY);
  if (saved === 'zh-CN' || saved === 'en') return saved;
  return localeFor(navigator.languages);
}

/** The language of the app for a device with these languages, most wanted first. */
export function localeFor(languages: readonly string[]): Locale {
  for (const language of languages) {
    const base = language.toLowerCase().split('-')[0];
    if (base === 'zh') return 'zh-CN';
    if (base === 'en') return 'en';
  }
  return 'en';
}

export function savedTheme(): Theme {
  const saved = read(THEME_KEY);
  return saved === 'dark' || saved === 'light' ? saved : 'auto';
}

export function saveLocale(locale: Locale): void {
  write(LOCALE_KEY, locale);
}

export function saveTheme(theme: Theme): void {
  write(THEME_KEY, theme);
}

// Storage may be forbidden (private windows, policies); a choice then lasts for the visit.
function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // See above.
  }
}
