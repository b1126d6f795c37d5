/** What a person chose on this device: language and theme. Survives a log-out, holds nothing private. */

export const LOCALES = ['zh-CN', 'en'] as const;
export type Locale = (typeof LOCALES)[number];
/** `auto` follows the device. */
export type Theme = 'auto' | 'dark' | 'light';

/** How large the text is, of the usual size. */
export const TEXT_SIZES = [1, 1.2, 1.4, 1.7] as const;
export type TextSize = (typeof TEXT_SIZES)[number];
export type Contrast = 'usual' | 'more';
/** How loud a level is on this phone. Levels one and two can be softer, never off. */
export type Loudness = 'loud' | 'soft' | 'off';

const LOCALE_KEY = 'wanglou.locale';
const THEME_KEY = 'wanglou.theme';
const TEXT_KEY = 'wanglou.text';
const CONTRAST_KEY = 'wanglou.contrast';
const LOUDNESS_KEY = 'wanglou.loudness.';
const DUTY_KEY = 'wanglou.duty';

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

export function savedTextSize(): TextSize {
  const saved = Number(read(TEXT_KEY));
  return TEXT_SIZES.find((size) => size === saved) ?? 1;
}

export function saveTextSize(size: TextSize): void {
  write(TEXT_KEY, String(size));
}

export function savedContrast(): Contrast {
  return read(CONTRAST_KEY) === 'more' ? 'more' : 'usual';
}

export function saveContrast(contrast: Contrast): void {
  write(CONTRAST_KEY, contrast);
}

/** What may be chosen for a level: what calls people to their feet cannot be turned off. */
export function loudnesses(level: 1 | 2 | 3): readonly Loudness[] {
  return level === 3 ? ['loud', 'soft', 'off'] : ['loud', 'soft'];
}

export function savedLoudness(level: 1 | 2 | 3): Loudness {
  const saved = read(LOUDNESS_KEY + level);
  return loudnesses(level).find((loudness) => loudness === saved) ?? 'loud';
}

export function saveLoudness(level: 1 | 2 | 3, loudness: Loudness): void {
  write(LOUDNESS_KEY + level, loudness);
}

/** When somebody last went through the gate on this phone and started their shift, ms since 1970; 0 for never. */
export function savedDutyStart(): number {
  const saved = Number(read(DUTY_KEY));
  return Number.isFinite(saved) ? saved : 0;
}

export function saveDutyStart(at_ms: number): void {
  write(DUTY_KEY, String(at_ms));
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
