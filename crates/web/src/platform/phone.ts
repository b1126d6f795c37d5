/** What the phone itself tells: installed or not, battery, and whether its screen may go dark. Nothing here throws. */

/** Whether the app was opened from the home screen. */
export function installed(): boolean {
  const apple = navigator as Navigator & { standalone?: boolean };
  return apple.standalone === true || matchMedia('(display-mode: standalone)').matches;
}

/** What Chromium offers instead of a button of its own. */
interface InstallOffer extends Event {
  prompt(): Promise<unknown>;
}

let offer: InstallOffer | null = null;

/** Keeps the browser's offer to install the app until a person asks for it; says when there is one, and when it is done. */
export function watchInstall(offered: (can: boolean) => void, signal: AbortSignal): void {
  window.addEventListener(
    'beforeinstallprompt',
    (event) => {
      event.preventDefault();
      offer = event as InstallOffer;
      offered(true);
    },
    { signal },
  );
  window.addEventListener('appinstalled', () => offered(false), { signal });
}

/** Asks the browser to install the app; an offer can be used once. */
export async function install(): Promise<void> {
  const made = offer;
  offer = null;
  await made?.prompt().catch(() => undefined);
}

/** iPhones and iPads push to installed apps only. */
export function isIphone(): boolean {
  const pad = navigator.platform === 'MacIntel' && navigator.maxTouchPoints > 1;
  return /iPhone|iPad|iPod/.test(navigator.userAgent) || pad;
}

/** How full the battery is; `null` where the browser keeps that to itself. */
export async function battery(): Promise<{ percent: number; charging: boolean } | null> {
  const phone = navigator as Navigator & { getBattery?: () => Promise<{ level: number; charging: boolean }> };
  try {
    const found = await phone.getBattery?.();
    return found ? { percent: Math.round(found.level * 100), charging: found.charging } : null;
  } catch {
    return null;
  }
}

/** Whether each megabyte may cost the person something: they save data, or the network is a mobile one. */
export function metered(): boolean {
  const phone = navigator as Navigator & { connection?: { saveData?: boolean; type?: string } };
  return phone.connection?.saveData === true || phone.connection?.type === 'cellular';
}

let lock: WakeLockSentinel | null = null;
let wanted = false;

/** Whether the browser can keep the screen on at all. */
export function canStayAwake(): boolean {
  return 'wakeLock' in navigator;
}

/** Keeps the screen on while the app is visible, or lets it go dark; resolves to whether it stays on. */
export async function stayAwake(on: boolean): Promise<boolean> {
  wanted = on;
  if (!canStayAwake()) return false;
  try {
    if (!on) {
      await lock?.release();
      lock = null;
      return false;
    }
    // The browser takes it away whenever the page is hidden.
    if (!lock || lock.released) lock = await navigator.wakeLock.request('screen');
    return true;
  } catch {
    // A phone that saves power refuses.
    return false;
  }
}

/** Takes the screen again after the page was hidden. */
export async function stillAwake(): Promise<boolean> {
  return wanted && document.visibilityState === 'visible' ? stayAwake(true) : false;
}
