/**
 * Which alarms ring on this phone, in which order the list shows them, and what
 * an alarm looks like while a command about it is still on its way. Pure.
 */
import { type Alarm, isOver } from './alarm';
import type { Pending } from './ports';

/** An alarm as the screens show it: the gateway's state plus what this officer has just tapped. */
export interface Shown {
  alarm: Alarm;
  /** The last command about it that is not answered yet (待发送). */
  sending: Pending | null;
  /** People's state with `sending` taken as done. */
  state: string;
  /** Whether this officer is the one who accepted. */
  mine: boolean;
  /** What the officer may do next, `sending` taken as done; the gateway decides in the end. */
  actions: string[];
}

/**
 * What an alarm rings about. When this text changes, a person who silenced it
 * must be told again: it became more urgent, or the ladder has climbed.
 */
export function ringKey(alarm: Alarm): string {
  return `${alarm.prio}:${alarm.esc?.step ?? 0}`;
}

/** Joins an alarm with the commands that are under way. */
export function show(alarm: Alarm, pending: readonly Pending[], officer_id: string): Shown {
  const commands = pending.filter((p) => p.command.id === alarm.id);
  const shown: Shown = {
    alarm,
    sending: commands.at(-1) ?? null,
    state: alarm.state,
    mine: alarm.accepted_by?.id === officer_id,
    actions: alarm.actions,
  };
  for (const { command } of commands) foresee(shown, command.op);
  return shown;
}

/** Alarms that call for this officer now, the one to answer first at the front. */
export function ringing(shown: readonly Shown[], declined: ReadonlySet<string>): Shown[] {
  return shown.filter((s) => rings(s, declined)).sort(byUrgency);
}

/** The list: what is open first (level one on top), then what is over, newest first. */
export function ordered(shown: readonly Shown[]): { open: Shown[]; over: Shown[] } {
  const open = shown.filter((s) => !isOver(s.alarm)).sort(byUrgency);
  const over = shown.filter((s) => isOver(s.alarm)).sort((a, b) => time(b) - time(a));
  return { open, over };
}

/** Whether somebody still has to accept it: level four and silent ones wait for nobody. */
export function calls({ alarm, state }: Shown): boolean {
  return state === 'open' && !alarm.silent && alarm.prio !== 4;
}

function rings(shown: Shown, declined: ReadonlySet<string>): boolean {
  const { alarm, actions } = shown;
  return calls(shown) && actions.includes('accept') && !declined.has(alarm.id);
}

/** What matters to this officer: what calls, what is theirs, what others do, what is only to be known. */
function rank(shown: Shown): number {
  if (calls(shown)) return 0;
  if (shown.mine) return 1;
  return shown.alarm.prio === 4 ? 3 : 2;
}

/** Level one first, then by what matters to this officer, then level, then age. */
function byUrgency(a: Shown, b: Shown): number {
  return (
    Number(b.alarm.prio === 1) - Number(a.alarm.prio === 1) ||
    rank(a) - rank(b) ||
    a.alarm.prio - b.alarm.prio ||
    a.alarm.raised_at.localeCompare(b.alarm.raised_at) ||
    a.alarm.id.localeCompare(b.alarm.id)
  );
}

function time({ alarm }: Shown): number {
  return Date.parse(alarm.closed_at ?? alarm.last_at) || 0;
}

/** What the screen shows at once after a tap, before the gateway has answered. */
function foresee(shown: Shown, op: string): void {
  switch (op) {
    case 'accept':
      shown.state = 'accepted';
      shown.mine = true;
      shown.actions = ['arrive', 'resolve', 'note'];
      return;
    case 'undo':
      shown.state = 'open';
      shown.mine = false;
      shown.actions = ['accept', 'decline'];
      return;
    case 'decline':
      if (shown.state === 'open') shown.state = 'declined';
      shown.actions = shown.actions.filter((a) => a !== 'decline');
      return;
    case 'arrive':
      shown.state = 'arrived';
      shown.actions = shown.actions.filter((a) => a !== 'arrive' && a !== 'en_route' && a !== 'undo');
      return;
    case 'resolve':
    case 'false_alarm':
      shown.state = 'resolved';
      shown.actions = [];
      return;
    default:
      return;
  }
}
