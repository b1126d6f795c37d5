/** What came from outside, read with care: nothing of it is believed to be there, or to be what it should be. */

export type Json = Record<string, unknown>;

/** True for a JSON object (not an array, not null). */
export function isObject(raw: unknown): raw is Json {
  return typeof raw === 'object' && raw !== null && !Array.isArray(raw);
}

/** A list's objects; what else stands in it is left out. */
export function objects(raw: unknown): Json[] {
  return Array.isArray(raw) ? raw.filter(isObject) : [];
}

/** A list's texts. */
export function strings(raw: unknown): string[] {
  return Array.isArray(raw) ? raw.filter((s): s is string => typeof s === 'string') : [];
}

/** A text, else an empty one. */
export function text(raw: unknown): string {
  return typeof raw === 'string' ? raw : '';
}

export function textOrNull(raw: unknown): string | null {
  return typeof raw === 'string' ? raw : null;
}

/** A finite number, else 0. */
export function number(raw: unknown): number {
  return typeof raw === 'number' && Number.isFinite(raw) ? raw : 0;
}
