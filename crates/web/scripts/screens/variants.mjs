// The forms in which screens are looked at: both languages and themes on a phone; beside these larger text, strong
// contrast, a tablet, and without colour.
const PHONE = { width: 360, height: 640 };
const TABLET = { width: 1024, height: 768 };

/** Those that are laid out anew where there is room. */
const ON_A_TABLET = [
  'list-busy', 'alarm', 'detail', 'resolve', 'enrol', 'settings', 'duty', 'team', 'team-offered', 'history', 'report', 'pin', 'away-list', 'lift',
  'admin', 'admin-topics', 'figures', 'figures-reach', 'figures-devices', 'figures-table', 'works', 'works-new', 'admin-away',
];
/** Those where colour says something. */
const IN_GREY = [
  'list', 'list-busy', 'list-offline', 'alarm', 'alarm-level2', 'alarm-test', 'detail', 'lift', 'duty', 'duty-end', 'team', 'team-signed',
  'history', 'away-list', 'admin', 'works', 'works-new', 'figures', 'figures-reach', 'figures-devices',
];

const THEMES = ['dark', 'light'];
const LOCALES = ['zh-CN', 'en'];

/**
 * Each with its language, its themes and its size; `suffix` ends the names of its pictures, and `only` names the screens
 * that it is for, which else are all.
 */
export const VARIANTS = [
  ...LOCALES.map((locale) => ({ locale, themes: THEMES, size: PHONE })),
  // The app's own largest text, half of it with the app's own strong contrast.
  ...LOCALES.map((locale) => ({
    locale,
    themes: THEMES,
    suffix: '-text17',
    size: PHONE,
    choices: { text: '1.7', ...(locale === 'en' && { contrast: 'more' }) },
  })),
  // Twice the text of the browser.
  { locale: 'zh-CN', themes: ['dark'], suffix: '-text200', size: PHONE, text: '36px' },
  { locale: 'en', themes: ['light'], suffix: '-text200', size: PHONE, text: '36px' },
  ...LOCALES.map((locale) => ({ locale, themes: THEMES, suffix: '-tablet', size: TABLET, only: ON_A_TABLET })),
  { locale: 'zh-CN', themes: ['dark'], suffix: '-grey', size: PHONE, grey: true, only: IN_GREY },
];
