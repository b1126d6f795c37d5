/**
 * What the service worker keeps and what it leaves alone. Pure, so that it can
 * be tested without a worker.
 *
 * Only the app itself is kept: the files of one build, by name. Everything that
 * can differ from one minute to the next (alarms, pictures, the socket, health)
 * always goes to the gateway: a cached answer about an alarm would be a lie.
 */

/** Caches of ours; others on the same origin are not touched. */
const PREFIX = 'wanglou-shell-';

/** The cache of one build. */
export function shellCache(build: string): string {
  return `${PREFIX}${build}`;
}

/** Whether a cache is an older build's and can go. */
export function isOldShell(name: string, build: string): boolean {
  return name.startsWith(PREFIX) && name !== shellCache(build);
}

/** The parts of a request that decide. */
export interface Asked {
  method: string;
  url: string;
  /** The page itself is asked for, by a person or a link. */
  navigates: boolean;
}

/**
 * The kept file that answers a request, or `null` for "ask the gateway".
 *
 * @param origin the app's own, such as `https://wanglou.example`
 * @param shell paths of the build's files, `/` for the page
 */
export function answeredBy(asked: Asked, origin: string, shell: readonly string[]): string | null {
  if (asked.method !== 'GET') return null;
  const url = new URL(asked.url);
  if (url.origin !== origin) return null;
  const path = url.pathname === '/index.html' ? '/' : url.pathname;
  // A link with a query is still the page; a file with one is not the file of the build.
  if (path === '/' && asked.navigates) return '/';
  return path !== '/' && url.search === '' && shell.includes(path) ? path : null;
}
