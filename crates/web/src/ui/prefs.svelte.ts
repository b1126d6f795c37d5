/** Language and theme as the screens see them; changing one changes the page at once. */
import { overwriteGetLocale } from '../paraglide/runtime.js';
import { type Locale, type Theme, saveLocale, savedLocale, saveTheme, savedTheme } from '../platform/prefs';
import { tellLocale } from '../platform/worker';

let locale = $state<Locale>(savedLocale());
let theme = $state<Theme>(savedTheme());

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
  if (theme === 'auto') delete page.dataset.theme;
  else page.dataset.theme = theme;
}
