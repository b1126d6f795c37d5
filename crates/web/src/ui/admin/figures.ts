/** What `GET /api/admin/figures` answers, and what a chart says of it in words. Loaded only with the console. */
import { isObject } from '../../core/read';
import { request } from '../../platform/http';

export type Span = 'hour' | 'day';
/** How long each is, in seconds. */
export const SPAN_S: Record<Span, number> = { hour: 3_600, day: 86_400 };
/** One value for each moment; null where nothing can be said. */
export type Column = (number | null)[];

export interface Quiet {
  id: string;
  place: string;
  place_path: string[];
  place_path_en: string[];
  last_at: string | null;
}

export interface Chatty extends Omit<Quiet, 'last_at'> {
  per_min: number;
}

export interface Figures {
  span: Span;
  /** The gateway's start: there are none from before. */
  since: string;
  now: string;
  /** Seconds since the epoch, rising. */
  at: number[];
  columns: Record<string, Column>;
  silent: Quiet[];
  chatty: Chatty[];
  chatty_over_s: number;
}

export async function readFigures(span: Span): Promise<Figures | 'forbidden' | 'unreachable'> {
  const answer = await request('GET', `/api/admin/figures?span=${span}`);
  if (answer?.status === 403 || answer?.status === 401) return 'forbidden';
  const read = answer?.status === 200 ? toFigures(answer.body) : null;
  return read ?? 'unreachable';
}

/** Reads the body; `null` when it is none, or when a column does not fit the moments. */
export function toFigures(body: unknown): Figures | null {
  if (!isObject(body) || !Array.isArray(body.at) || !isObject(body.columns)) return null;
  const at = body.at.map(Number);
  const columns = body.columns as Record<string, Column>;
  if (!at.every(Number.isFinite) || Object.values(columns).some((column) => !Array.isArray(column) || column.length !== at.length)) return null;
  const { since, now, silent, chatty, chatty_over_s } = body as Partial<Figures>;
  return {
    span: body.span === 'day' ? 'day' : 'hour',
    since: since ?? '',
    now: now ?? '',
    at,
    columns,
    silent: silent ?? [],
    chatty: chatty ?? [],
    chatty_over_s: chatty_over_s ?? 0,
  };
}

/** The latest value; null when there is none in the last tenth of what is shown. */
export function latest(column: Column): number | null {
  const recent = column.slice(-Math.max(1, Math.ceil(column.length / 10)));
  return recent.reverse().find((value) => value !== null) ?? null;
}

export type Extreme = 'most' | 'least';

/** The largest or smallest value; null when there is none. */
export function extreme(column: Column, which: Extreme): number | null {
  const values = column.filter((value): value is number => value !== null);
  if (values.length === 0) return null;
  return values.reduce((a, b) => (which === 'most' ? Math.max(a, b) : Math.min(a, b)));
}

export interface Row {
  /** When the part begins, seconds since the epoch. */
  from: number;
  values: (number | null)[];
}

/** At most so many rows of a table. */
const ROWS = 12;

/** The columns as a table: each row the extreme of one twelfth of the time, the latest first. */
export function rows(at: number[], columns: Column[], which: Extreme): Row[] {
  const first = at[0];
  const last = at[at.length - 1];
  if (first === undefined || last === undefined) return [];
  const step = Math.max((last - first) / ROWS, 1);
  const made: Row[] = [];
  for (let n = 0; n < ROWS; n += 1) {
    const from = first + n * step;
    const here = (i: number) => {
      const t = at[i] as number;
      return t >= from && (t < from + step || (n === ROWS - 1 && t <= last));
    };
    const values = columns.map((column) => extreme(column.filter((_, i) => here(i)), which));
    if (values.some((value) => value !== null)) made.push({ from, values });
  }
  return made.reverse();
}

/** A number as people read it: few digits, no tail of zeros. */
export function short(n: number): string {
  const digits = Math.abs(n) >= 100 ? 0 : Math.abs(n) >= 10 ? 1 : 2;
  return String(Number(n.toFixed(digits)));
}

/** The share of false ones in per cent; null when nothing was judged. */
export function falseRate(columns: Record<string, Column>): { pct: number; count: number; false_count: number } | null {
  const count = latest(columns.judged ?? []) ?? 0;
  const false_count = latest(columns.judged_false ?? []) ?? 0;
  return count > 0 ? { pct: Math.round((100 * false_count) / count), count, false_count } : null;
}
