/** What was entered about the compound: permits, maintenance, absences. Loaded only with the screens that show it. */
import { type Person, person, type Words, wordsOrNull } from '../core/alarm';
import { isObject, type Json, objects, strings, text, textOrNull } from '../core/read';
import { request } from './http';

/** What an entry is about, with the names of its place. */
export interface Subject {
  device: string | null;
  zone: string | null;
  path: string[];
  path_en: string[];
}

export interface Entry extends Subject {
  /** Ends it; null for a permit, which lapses by itself. */
  id: string | null;
  how: string;
  kind: Words | null;
  from: string;
  until: string;
  reason: string;
  crew: Person[];
  by: Person | null;
}

/** Permits and windows that run or are to come, those that end first first; `null` when nobody answers. */
export async function works(): Promise<Entry[] | null> {
  const answer = await request('GET', '/api/works');
  return answer?.status === 200 ? toEntries(answer.body) : null;
}

export function toEntries(body: unknown): Entry[] {
  if (!isObject(body)) return [];
  const permits = objects(body.permits).map((raw) => entry(raw, 'permit'));
  const windows = objects(body.windows).map((raw) => entry(raw, text(raw.how)));
  return [...permits, ...windows].sort((a, b) => a.until.localeCompare(b.until));
}

function entry(raw: Json, how: string): Entry {
  return {
    ...subject(raw),
    id: textOrNull(raw.id),
    how,
    kind: wordsOrNull(raw.kind_title),
    from: text(raw.from),
    until: text(raw.until),
    reason: text(raw.reason),
    crew: Array.isArray(raw.crew) ? raw.crew.flatMap((one) => person(one) ?? []) : [],
    by: person(raw.by),
  };
}

export interface Absence {
  from: string;
  until: string | null;
}

export interface HomeState {
  home: string;
  path: string[];
  path_en: string[];
  /** `home`, `away` or `hospital`. */
  status: string;
  absence: Absence | null;
  visitor: Absence | null;
}

export type AbsencesAnswer = { kind: 'shown'; homes: HomeState[] } | { kind: 'refused'; code: string; words: Words | null };

/** Homes of people living alone; those who are away first. */
export async function absences(): Promise<AbsencesAnswer> {
  const answer = await request('GET', '/api/absences');
  if (answer?.status === 200) return { kind: 'shown', homes: toHomes(answer.body) };
  const body = isObject(answer?.body) ? answer.body : {};
  return { kind: 'refused', code: text(body.code) || 'unreachable', words: wordsOrNull(body.text) };
}

export function toHomes(body: unknown): HomeState[] {
  const homes = objects(body).map((raw): HomeState => ({
    home: text(raw.home),
    path: strings(raw.path),
    path_en: strings(raw.path_en),
    status: text(raw.status) || 'home',
    absence: absence(raw.absence),
    visitor: absence(raw.visitor),
  }));
  const calm = (one: HomeState) => one.status === 'home' && one.visitor === null;
  return homes.sort((a, b) => Number(calm(a)) - Number(calm(b)) || a.home.localeCompare(b.home, 'en', { numeric: true }));
}

function absence(raw: unknown): Absence | null {
  if (!isObject(raw)) return null;
  return { from: text(raw.from), until: textOrNull(raw.until) };
}

function subject(raw: Json): Subject {
  return {
    device: textOrNull(raw.device),
    zone: textOrNull(raw.zone),
    path: strings(raw.path),
    path_en: strings(raw.path_en),
  };
}

/** A time as a field of a form gives it, in the phone's own zone; `null` when it is empty or none. */
export function fromField(value: string): string | null {
  const at = value === '' ? NaN : new Date(value).getTime();
  return Number.isFinite(at) ? new Date(at).toISOString() : null;
}

/** A time as a field of a form takes it: `2026-03-02T21:04`, in the phone's own zone. */
export function toField(at_ms: number): string {
  const date = new Date(at_ms);
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}
