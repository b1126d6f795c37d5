/** Language and theme as the screens see them; changing one changes the page at once. */
import { overwriteGetLocale } from '../paraglide/runtime.js';
import {
  type Contrast,
  type Locale,
  type Loudness,
  type TextSize,
  type Theme,
  saveContrast,
  saveLocale,
  saveLoudness,
  savedContrast,
  savedLocale,
  savedLoudness,
  savedTextSize,
  savedTheme,
  saveTextSize,
  saveTheme,
} from '../platform/prefs';
import { tellLocale } from '../platform/worker';

let locale = $state<Locale>(savedLocale());
let theme = $state<Theme>(savedTheme());
let text = $state<TextSize>(savedTextSize());
let contrast = $state<Contrast>(savedContrast());
let loudness = $state({ 1: savedLoudness(1), 2: savedLoudness(2), 3: savedLoudness(3) });

// Messages read the language through this, so a change re-renders what shows them.
overwriteGetLocale(() => locale);
apply();

export const prefs = {
  get locale(): Locale {
    return locale;
  },
  get theme(): Theme {
    return theme;
  },
  setLocale(chosen: Locale): void {
    locale = chosen;
    saveLocale(chosen);
    apply();
  },
  get text(): TextSize {
    return text;
  },
  get contrast(): Contrast {
    return contrast;
  },
  loudness: (level: 1 | 2 | 3): Loudness => loudness[level],
  setText(chosen: TextSize): void {
    text = chosen;
    saveTextSize(chosen);
    apply();
  },
  setContrast(chosen: Contrast): void {
    contrast = chosen;
    saveContrast(chosen);
    apply();
  },
  setLoudness(level: 1 | 2 | 3, chosen: Loudness): void {
    loudness[level] = chosen;
    saveLoudness(level, chosen);
  },
  setTheme(chosen: Theme): void {
    theme = chosen;
    saveTheme(chosen);
    apply();
  },
};

function apply(): void {
  const page = document.documentElement;
  page.lang = locale;
  tellLocale(locale);
  page.dataset.text = String(text);
  page.dataset.contrast = contrast;
  if (theme === 'auto') delete page.dataset.theme;
  else page.dataset.theme = theme;
}
