/**
 * An alarm as the gateway sends it: its full state at one revision.
 *
 * This file says what the fields mean and turns unchecked JSON into them. It
 * does not decide what is rung or how anything looks. Within `wanglou.v1`
 * fields are only added, so every enum here may hold a value that this version
 * does not know; such values are kept as text and shown generically.
 */

import { isObject, type Json, objects, strings, text, textOrNull } from './read';

/** 1 is the most urgent (一级, red); 4 is read in a digest (四级, blue). */
export type Priority = 1 | 2 | 3 | 4;

/** A text in both languages of the app. */
export interface Words {
  zh: string;
  en: string;
}

/** A member of staff; never a resident. */
export interface Person {
  id: string;
  name: string;
}

/** Where: from the largest part to the smallest. */
export interface Place {
  id: string;
  path: string[];
  path_en: string[];
}

/** A picture or clip; `url` is relative to the gateway. */
export interface Evidence {
  type: string;
  url: string;
}

/** How far the ladder has climbed; `next_at` is RFC 3339, absent when nothing is due. */
export interface Escalation {
  step: number;
  next_at: string | null;
}

/** What people have done; `open` means nobody has accepted yet. */
export type State = 'open' | 'accepted' | 'en_route' | 'arrived' | 'resolved' | 'closed' | (string & {});

/** The full state of one alarm at revision `rev`. Times are RFC 3339 in UTC. */
export interface Alarm {
  id: string;
  /** Grows with every change; a message with a smaller or equal one is old. */
  rev: number;
  kind: string;
  prio: Priority;
  state: State;
  /** The sensor's side: still so, or cleared. */
  active: boolean;
  stage: string | null;
  stage_text: Words | null;
  /** An exercise or an installation test, never a real event. */
  test: boolean;
  mark: string | null;
  count: number;
  first_at: string;
  last_at: string;
  raised_at: string;
  closed_at: string | null;
  place: Place;
  title: Words;
  text: Words;
  evidence: Evidence[];
  accepted_by: Person | null;
  accepted_at: string | null;
  eta_s: number | null;
  outcome: string | null;
  esc: Escalation | null;
  /** Shown in the list, but not rung. */
  silent: boolean;
  /** It is about a home, of which the gateway knows who lives there. */
  home: boolean;
  /** What this officer may do now. */
  actions: string[];
}

/** Reads an alarm body; `null` when it has no id or revision, without which nothing can be done. */
export function parseAlarm(raw: unknown): Alarm | null {
  if (!isObject(raw)) return null;
  if (typeof raw.id !== 'string' || typeof raw.rev !== 'number') return null;
  const raised = text(raw.raised_at);
  return {
    id: raw.id,
    rev: raw.rev,
    kind: text(raw.kind),
    prio: priority(raw.prio),
    // Without a state it is open: a phone must rather ring than not.
    state: text(raw.state) || 'open',
    active: raw.active !== false,
    stage: textOrNull(raw.stage),
    stage_text: wordsOrNull(raw.stage_text),
    test: raw.test === true,
    mark: textOrNull(raw.mark),
    count: typeof raw.count === 'number' ? raw.count : 1,
    first_at: text(raw.first_at) || raised,
    last_at: text(raw.last_at) || raised,
    raised_at: raised,
    closed_at: textOrNull(raw.closed_at),
    place: place(raw.place),
    title: wordsOrNull(raw.title) ?? { zh: text(raw.kind), en: text(raw.kind) },
    text: wordsOrNull(raw.text) ?? { zh: '', en: '' },
    evidence: objects(raw.evidence).flatMap(evidence),
    accepted_by: person(raw.accepted_by),
    accepted_at: textOrNull(raw.accepted_at),
    eta_s: typeof raw.eta_s === 'number' ? raw.eta_s : null,
    outcome: textOrNull(raw.outcome),
    esc: escalation(raw.esc),
    silent: raw.silent === true,
    home: raw.home === true,
    actions: strings(raw.actions),
  };
}

/** True once people have finished with the alarm. */
export function isOver(alarm: Alarm): boolean {
  return alarm.state === 'closed' || alarm.state === 'resolved';
}

/**
 * Reads a text in two languages; one that is missing is filled from the other.
 * `null` when there is none.
 */
export function wordsOrNull(raw: unknown): Words | null {
  if (typeof raw === 'string') return { zh: raw, en: raw };
  if (!isObject(raw)) return null;
  const zh = text(raw.zh);
  const en = text(raw.en);
  if (!zh && !en) return null;
  return { zh: zh || en, en: en || zh };
}

/** Reads a person; `null` when there is none. */
export function person(raw: unknown): Person | null {
  if (!isObject(raw) || typeof raw.id !== 'string') return null;
  return { id: raw.id, name: text(raw.name) || raw.id };
}

/** An unknown or missing priority is treated as the most urgent: never quieter than meant. */
function priority(raw: unknown): Priority {
  return raw === 2 || raw === 3 || raw === 4 ? raw : 1;
}

function place(raw: unknown): Place {
  if (!isObject(raw)) return { id: '', path: [], path_en: [] };
  const path = strings(raw.path);
  const english = strings(raw.path_en);
  return { id: text(raw.id), path, path_en: english.length > 0 ? english : path };
}

function evidence(raw: Json): Evidence[] {
  if (typeof raw.url !== 'string') return [];
  return [{ type: text(raw.type), url: raw.url }];
}

function escalation(raw: unknown): Escalation | null {
  if (!isObject(raw) || typeof raw.step !== 'number') return null;
  return { step: raw.step, next_at: textOrNull(raw.next_at) };
}
