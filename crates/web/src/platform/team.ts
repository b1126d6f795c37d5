/** Who is on duty, and what was: the gateway's answers, read with care. */
import { type Person, person, type Priority, type Words, wordsOrNull } from '../core/alarm';
import { isObject, number, objects, strings, text, textOrNull } from '../core/read';
import { request } from './http';

/** A colleague. */
export interface Colleague {
  id: string;
  name: string;
  roles: string[];
  on_duty: boolean;
  reachable: boolean;
}

/** A part of a day that somebody works, minutes since midnight on the compound's clock. */
export interface Shift {
  officer: string;
  from_min: number;
  until_min: number;
  /** Monday first. */
  weekdays: boolean[];
}

/** Everybody, and the rota. */
export interface Team {
  people: Colleague[];
  shifts: Shift[];
  /** 0 for Monday, on the compound's clock. */
  today: number;
  /** This officer's own duty; `signed_until`: they signed on or off, whatever the rota says. */
  me: { on_duty: boolean; signed_until: string | null };
  /** Lists that one signed to hand over, and the other not yet. */
  offers: Offer[];
}

/** The first of two signatures under a list. */
export interface Offer {
  from: Person;
  to: Person;
  alarms: number;
  until: string;
}

/** One alarm of the past. */
export interface Past {
  alarm: string;
  prio: Priority;
  title: Words;
  path: string[];
  path_en: string[];
  raised_at: string;
  accepted_by: Person | null;
  outcome: string | null;
  closed_at: string | null;
  test: boolean;
}

export async function team(): Promise<Team | null> {
  const answer = await request('GET', '/api/duty');
  if (answer?.status !== 200 || !isObject(answer.body)) return null;
  const { people, shifts, today, me, offers } = answer.body;
  return {
    people: objects(people).map((raw) => ({
      id: text(raw.id),
      name: text(raw.name) || text(raw.id),
      roles: strings(raw.roles),
      on_duty: raw.on_duty === true,
      reachable: raw.reachable === true,
    })),
    shifts: objects(shifts).map((raw) => ({
      officer: text(raw.officer),
      from_min: number(raw.from_min),
      until_min: number(raw.until_min),
      weekdays: Array.isArray(raw.weekdays) ? raw.weekdays.map((on) => on === true) : [],
    })),
    today: number(today),
    me: {
      on_duty: isObject(me) && me.on_duty === true,
      signed_until: isObject(me) ? textOrNull(me.signed_until) : null,
    },
    offers: objects(offers).flatMap((raw) => {
      const [from, to] = [person(raw.from), person(raw.to)];
      return from && to ? [{ from, to, alarms: number(raw.alarms), until: text(raw.until) }] : [];
    }),
  };
}

/** The alarms of a day, `2026-03-02`, that this officer may know of; newest first. */
export async function past(day: string): Promise<Past[] | null> {
  const answer = await request('GET', `/api/history?day=${encodeURIComponent(day)}`);
  if (answer?.status !== 200 || !Array.isArray(answer.body)) return null;
  const lines = objects(answer.body).map((raw): Past => ({
    alarm: text(raw.alarm),
    prio: raw.prio === 2 || raw.prio === 3 || raw.prio === 4 ? raw.prio : 1,
    title: wordsOrNull(raw.title) ?? { zh: text(raw.kind), en: text(raw.kind) },
    path: strings(raw.path),
    path_en: strings(raw.path_en),
    raised_at: text(raw.raised_at),
    accepted_by: person(raw.accepted_by),
    outcome: textOrNull(raw.outcome),
    closed_at: textOrNull(raw.closed_at),
    test: raw.test === true,
  }));
  return lines.sort((a, b) => b.raised_at.localeCompare(a.raised_at));
}

/** The colleagues who work on a weekday, in the order in which their shifts begin. */
export function worksOn(found: Team, weekday: number): { name: string; from: string; until: string }[] {
  const name = (id: string) => found.people.find((one) => one.id === id)?.name ?? id;
  const time = (min: number) => `${two(Math.floor(min / 60))}:${two(min % 60)}`;
  return found.shifts
    .filter((shift) => shift.weekdays[weekday] === true)
    .sort((a, b) => a.from_min - b.from_min || a.officer.localeCompare(b.officer))
    .map((shift) => ({ name: name(shift.officer), from: time(shift.from_min), until: time(shift.until_min) }));
}

const two = (n: number) => String(n).padStart(2, '0');
