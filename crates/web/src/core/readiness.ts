/**
 * What this phone can receive, said honestly at the start of a shift. Pure: facts
 * in, verdicts out. A verdict is never better than its facts: what nobody has
 * tried counts as not known.
 */

/** How push messages stand on this phone. */
export type PushState =
  /** Subscribed, and the gateway knows it. */
  | 'ok'
  /** Nobody has asked the person for permission yet. */
  | 'ask'
  /** The person, or their phone, said no. */
  | 'denied'
  /** This gateway pushes to nobody. */
  | 'off'
  /** iPhones push to apps on the home screen only. */
  | 'install'
  /** This browser has none. */
  | 'unsupported'
  /** It should work and did not. */
  | 'failed'
  /** Not found out yet. */
  | 'unknown';

/** The facts. */
export interface Facts {
  /** The list is complete and stays so. */
  live: boolean;
  /** The page may sound. */
  audio: boolean;
  /** What the person said after the trial sound; `null` when not asked. */
  heard: boolean | null;
  push: PushState;
  /** The phone's own trial message: how it went; `null` when not tried. */
  pushTrial: 'waiting' | 'arrived' | 'lost' | null;
  /** Whether the screen stays on while the app is open; `null` where that cannot be asked for. */
  awake: boolean | null;
  /** The app starts without a network. */
  kept: boolean;
  /** `null` where the phone does not say. */
  battery: { percent: number; charging: boolean } | null;
}

/** `good`: nothing to do; `weak`: works, but look at it; `bad`: does not work; `unknown`: nobody knows. */
export type Mark = 'good' | 'weak' | 'bad' | 'unknown';

/** One line of the gate. */
export type CheckName = 'connection' | 'sound' | 'push' | 'awake' | 'kept' | 'battery';

/** What reaches this phone while the app is open, and after it was closed. */
export interface Reach {
  open: 'alarms' | 'silent' | 'nothing';
  closed: 'push' | 'untried' | 'nothing';
}

/** Below this, and not charging, a phone may not last a shift. */
const BATTERY_LOW_PERCENT = 30;

/** Each check with its mark, in the order in which a person goes through them. */
export function checks(facts: Facts): { name: CheckName; mark: Mark }[] {
  const found: { name: CheckName; mark: Mark }[] = [
    { name: 'connection', mark: facts.live ? 'good' : 'bad' },
    { name: 'sound', mark: sound(facts) },
    { name: 'push', mark: push(facts) },
    { name: 'awake', mark: facts.awake === null ? 'unknown' : facts.awake ? 'good' : 'weak' },
    { name: 'kept', mark: facts.kept ? 'good' : 'weak' },
    { name: 'battery', mark: battery(facts) },
  ];
  return found;
}

/** The two sentences at the end of the gate. */
export function reach(facts: Facts): Reach {
  const sounding = facts.audio && facts.heard !== false;
  const open = !facts.live ? 'nothing' : sounding ? 'alarms' : 'silent';
  // A message that was sent and did not come outweighs any subscription.
  if (facts.push !== 'ok' || facts.pushTrial === 'lost') return { open, closed: 'nothing' };
  return { open, closed: facts.pushTrial === 'arrived' ? 'push' : 'untried' };
}

function sound({ audio, heard }: Facts): Mark {
  if (!audio || heard === false) return 'bad';
  return heard ? 'good' : 'weak';
}

function push({ push: state, pushTrial }: Facts): Mark {
  if (state === 'unknown') return 'unknown';
  if (state !== 'ok' || pushTrial === 'lost') return 'bad';
  return pushTrial === 'arrived' ? 'good' : 'weak';
}

function battery({ battery: found }: Facts): Mark {
  if (!found) return 'unknown';
  return found.charging || found.percent >= BATTERY_LOW_PERCENT ? 'good' : 'weak';
}
