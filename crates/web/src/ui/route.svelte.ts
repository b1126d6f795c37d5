/**
 * Where in the app the person is, kept in the fragment: `#/`, `#/alarm/<id>`,
 * `#/settings`, `#/duty`, `#/team`, `#/history`, `#/report`, `#/pin`, `#/away`, `#/admin`, and `#enrol=<token>` for the link that binds a phone
 * (a fragment never leaves the device by itself).
 */

export type Route =
  | { name: 'list' }
  | { name: 'alarm'; id: string }
  | { name: 'settings' }
  | { name: 'duty' }
  | { name: 'team' }
  | { name: 'history' }
  | { name: 'report' }
  | { name: 'away' }
  | { name: 'pin' }
  | { name: 'admin'; page: ConsolePage }
  | { name: 'enrol'; token: string };

const PLAIN = ['settings', 'duty', 'team', 'history', 'report', 'pin', 'away'] as const;

/** The console's pages: `#/admin` and `#/admin/<page>`. */
export const CONSOLE_PAGES = ['overview', 'figures', 'works', 'away'] as const;
export type ConsolePage = (typeof CONSOLE_PAGES)[number];

/** Reads a fragment; anything unknown is the list. */
export function parseRoute(hash: string): Route {
  if (hash.startsWith('#enrol=')) return { name: 'enrol', token: decode(hash.slice('#enrol='.length)) };
  const [first, second] = hash.replace(/^#\/?/, '').split('/');
  if (first === 'alarm' && second) return { name: 'alarm', id: decode(second) };
  if (first === 'admin') return { name: 'admin', page: CONSOLE_PAGES.find((page) => page === second) ?? 'overview' };
  const named = PLAIN.find((name) => name === first);
  if (named) return { name: named };
  return { name: 'list' };
}

/** The link to an alarm's details. */
export function alarmHref(id: string): string {
  return `#/alarm/${encodeURIComponent(id)}`;
}

let current = $state.raw<Route>(parseRoute(location.hash));
window.addEventListener('hashchange', () => {
  current = parseRoute(location.hash);
});

export const route = {
  get current(): Route {
    return current;
  },
  go(hash: string): void {
    location.hash = hash;
  },
  /** Goes there and leaves no trace of the present place, such as a used token. */
  replace(hash: string): void {
    history.replaceState(null, '', hash);
    current = parseRoute(hash);
  },
};

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
