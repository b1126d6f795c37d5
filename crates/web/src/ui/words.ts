/** Words for what the gateway sends as codes, and times as people read them. Unknown codes are shown as they came. */
import type { Alarm, Priority, Words } from '../core/alarm';
import type { LinkPhase } from '../core/link';
import type { PushState } from '../core/readiness';
import type { Shown } from '../core/ring';
import type { Refusal } from '../core/wire';
import type { EnterAnswer } from '../platform/enter';
import { m } from '../paraglide/messages.js';
import { prefs } from './prefs.svelte';

type Say = () => string;

const STATES: Record<string, Say> = {
  open: m.state_open,
  accepted: m.state_accepted,
  en_route: m.state_en_route,
  arrived: m.state_arrived,
  resolved: m.state_resolved,
  closed: m.state_closed,
  declined: m.state_declined,
};
const MARKS: Record<string, Say> = {
  late: m.mark_late,
  found_at_start: m.mark_found_at_start,
  unverified: m.mark_unverified,
};
const OUTCOMES: Record<string, Say> = {
  real: m.outcome_real,
  false_alarm: m.outcome_false_alarm,
  test: m.outcome_test,
  duplicate: m.outcome_duplicate,
  complied: m.outcome_complied,
  unfounded: m.outcome_unfounded,
  ok: m.outcome_ok,
  unverified: m.outcome_unverified,
};
const HAPPENINGS: Record<string, Say> = {
  raised: m.did_raised,
  rung: m.did_rung,
  notified: m.did_notified,
  stored: m.did_stored,
  presented: m.did_presented,
  accepted: m.did_accepted,
  declined: m.did_declined,
  undone: m.did_undone,
  en_route: m.did_en_route,
  arrived: m.did_arrived,
  noted: m.did_noted,
  resolved: m.did_resolved,
  closed: m.did_closed,
  cleared: m.did_cleared,
  stage: m.did_stage,
  repeated: m.did_repeated,
  upgraded: m.did_upgraded,
  channel: m.did_channel,
  command: m.did_command,
  handed_over: m.did_handed_over,
  reopened: m.did_reopened,
  transferred: m.did_transferred,
};
const ACTIONS: Record<string, Say> = {
  accept: m.accept,
  decline: m.decline,
  undo: m.act_undo,
  arrive: m.act_arrive,
  resolve: m.act_resolve,
  false_alarm: m.act_false_alarm,
  note: m.act_note,
  guard: m.act_guard,
  confirm: m.act_confirm,
  en_route: m.act_en_route,
  transfer: m.act_transfer,
  shelve: m.act_shelve,
  release: m.lift_release,
  report: m.report_title,
};
const ROLES: Record<string, Say> = {
  guard: m.role_guard,
  grid_worker: m.role_grid_worker,
  captain: m.role_captain,
  control_room: m.role_control_room,
  manager: m.role_manager,
  officer: m.role_officer,
  station: m.role_station,
  leader: m.role_leader,
  maintainer: m.role_maintainer,
};
const LEVELS: Record<Priority, Say> = { 1: m.level_1, 2: m.level_2, 3: m.level_3, 4: m.level_4 };

const PHASES: Record<LinkPhase, Say> = {
  stopped: m.conn_offline,
  checking: m.conn_syncing,
  connecting: m.conn_syncing,
  syncing: m.conn_syncing,
  live: m.conn_live,
  waiting: m.conn_offline,
  signed_out: m.conn_offline,
  replaced: m.conn_replaced,
  outdated: m.conn_outdated,
};
const PUSHES: Record<PushState, Say> = {
  ok: m.push_ok,
  ask: m.push_ask,
  denied: m.push_denied,
  off: m.push_off,
  install: m.push_install,
  unsupported: m.push_unsupported,
  failed: m.push_failed,
  unknown: m.push_unknown,
};

const LIFT_ACTIONS: Record<string, Say> = { voice: m.lift_voice, hold: m.lift_hold, release: m.lift_release };
const LIFT_STATES: Record<string, Say> = {
  pending: m.lift_pending,
  started: m.lift_started,
  taken: m.lift_taken,
  confirmed: m.lift_confirmed,
  failed: m.lift_failed,
  timed_out: m.lift_timed_out,
  unknown: m.lift_unknown,
};

/** How the connection stands. */
export function phaseWord(phase: LinkPhase): string {
  return PHASES[phase]();
}

/** Whether pushed messages come to this phone, and else what to do about it. */
export function pushWord(state: PushState): string {
  return PUSHES[state]();
}

/** What a lift was told. */
export function liftActionWord(action: string): string {
  return lookUp(LIFT_ACTIONS, action);
}

/** What became of it. Nobody answers to a voice: that the lift has it is all that can be known. */
export function liftStateWord(action: string, state: string): string {
  return action === 'voice' && state === 'confirmed' ? m.lift_voice_confirmed() : lookUp(LIFT_STATES, state);
}

/** The text in the language of the app. */
export function say(words: Words | null | undefined): string {
  if (!words) return '';
  return prefs.locale === 'en' ? words.en : words.zh;
}

export function level(prio: Priority): string {
  return LEVELS[prio]();
}

export function stateWord(state: string): string {
  return lookUp(STATES, state);
}

export function markWord(mark: string): string {
  return lookUp(MARKS, mark);
}

export function outcomeWord(outcome: string): string {
  return lookUp(OUTCOMES, outcome);
}

/** What happened, for a line of the timeline. */
export function happeningWord(what: string): string {
  return lookUp(HAPPENINGS, what);
}

const EFFECTS: Record<string, Say> = {
  queued: m.effect_queued,
  done: m.effect_done,
  failed: m.effect_failed,
  unknown: m.effect_unknown,
  taken: m.effect_taken,
  'stored already': m.effect_stored,
  'not needed any more': m.effect_cancelled,
  'subscription gone': m.effect_gone,
  'no subscription': m.effect_none,
  'no webhook on file': m.effect_none,
  expired: m.effect_expired,
  'no answer in time': m.effect_silent,
  'not reachable': m.effect_unreachable,
  'over budget': m.effect_budget,
  "over this person's budget": m.effect_budget_person,
  started: m.effect_started,
  'quiet hours': m.effect_quiet,
  'no telephone on file': m.effect_no_telephone,
  'too many wait': m.effect_budget,
  'the answer is not understood': m.effect_refused,
  'refused by the far end': m.effect_refused,
};

/** What became of an attempt to tell somebody, `done: taken, subscription gone`, in the language of the app. */
export function effectWords(text: string): string {
  const [how = '', details] = text.split(/: (.*)/s);
  const each = (details ?? '').split(', ').filter(Boolean);
  const said = each.map((detail) => lookUp(EFFECTS, detail)).join(m.list_comma());
  return said ? m.effect_because({ how: lookUp(EFFECTS, how), why: said }) : lookUp(EFFECTS, how);
}

export function actionWord(action: string): string {
  return lookUp(ACTIONS, action);
}

export function roleWord(role: string): string {
  return lookUp(ROLES, role);
}

/** Where, in one line: `3号楼 2单元 电梯B`, `Building 3, Unit 2, Lift B`. */
export function placeLine(alarm: Alarm): string {
  const { path, path_en, id } = alarm.place;
  return pathLine(path, path_en) || id;
}

/** The names of a place, from the largest to the smallest, in the language of the app. */
export function pathLine(path: string[], path_en: string[]): string {
  return prefs.locale === 'en' ? path_en.join(', ') : path.join(' ');
}

/** The last part of the place, where a full line would not fit. */
export function placeShort(alarm: Alarm): string {
  const { path, path_en, id } = alarm.place;
  return (prefs.locale === 'en' ? path_en : path).at(-1) ?? id;
}

/** Who is on it and how far: `已由王师傅接警`, `On the way · Wang`. */
export function stateLine(shown: Shown): string {
  const { alarm, state, mine } = shown;
  if (state === 'open' && alarm.prio === 4) return m.state_info();
  if (state === 'accepted' && mine) return m.accepted_by_me();
  const name = alarm.accepted_by?.name;
  if (state === 'accepted' && name) return m.accepted_by({ name });
  if (state === 'open' || state === 'declined' || !name) return stateWord(state);
  return m.by_at({ who: name, state: stateWord(state) });
}

/** How long ago, in at most two units. Below zero, and of a time that cannot be read, counts as none. */
export function span(ms: number): string {
  const s = seconds(ms);
  const min = Math.floor(s / 60);
  const h = Math.floor(min / 60);
  if (s < 60) return m.elapsed_s({ s });
  if (h < 1) return m.elapsed_ms({ m: min, s: s % 60 });
  if (h < 24) return m.elapsed_hm({ h, m: min % 60 });
  return m.elapsed_d({ d: Math.floor(h / 24), h: h % 24 });
}

/** The same, coarse enough for a list: nothing below a minute ticks. */
export function spanCoarse(ms: number): string {
  const s = seconds(ms);
  if (s < 60) return m.elapsed_s({ s });
  if (s < 3600) return m.elapsed_m({ m: Math.floor(s / 60) });
  return span(ms);
}

/** `21:04:09`, in the device's time zone. */
export function clockTime(at: string | number): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return '';
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((n) => String(n).padStart(2, '0')).join(':');
}

/** The time, with month and day before it unless it is today. */
export function dayTime(at: string | number, now_ms: number): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return '';
  const today = date.toDateString() === new Date(now_ms).toDateString();
  const day = `${date.getMonth() + 1}-${String(date.getDate()).padStart(2, '0')}`;
  return today ? clockTime(at) : `${day} ${clockTime(at)}`;
}

/** The same for what is planned: nobody plans by the second. */
export function dayMinute(at: string | number, now_ms: number): string {
  return dayTime(at, now_ms).slice(0, -3);
}

/** What to tell whoever entered something; `done` where there is more to say than that it was. */
export function enteredWords(answer: EnterAnswer, done: string = m.done()): string {
  if (answer.kind === 'done') return done;
  if (answer.kind === 'unreachable') return m.enter_unreachable();
  return say(answer.words) || m.err_other({ code: answer.code });
}

/** What to tell the officer whose command was refused. */
export function refusalText(refusal: Refusal): string {
  if (refusal.code === 'taken') return refusal.by ? m.err_taken({ name: refusal.by.name }) : m.err_taken_unknown();
  if (refusal.text) return say(refusal.text);
  if (refusal.code === 'changed') return m.err_changed();
  if (refusal.code === 'gone') return m.err_gone();
  if (refusal.code === 'forbidden') return m.err_forbidden();
  return m.err_other({ code: refusal.code });
}

function seconds(ms: number): number {
  return ms > 0 ? Math.floor(ms / 1000) : 0;
}

function lookUp(table: Record<string, Say>, code: string): string {
  return table[code]?.() ?? code;
}
