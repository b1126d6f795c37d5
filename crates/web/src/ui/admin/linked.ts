/** The phones that are linked, as the gateway lists them. */
import { objects, text } from '../../core/read';

export interface Linked {
  /** Names the session; it opens nothing. */
  id: string;
  officer: string;
  phone: string;
  name: string;
  since: string;
  /** The officer's PIN: `none`, `set` or `locked`. */
  pin: string;
}

/** Reads the list; the latest link first. */
export function readLinked(body: unknown): Linked[] {
  const read = objects(body).map(({ id, officer, phone, name, since, pin }) => ({
    id: text(id),
    officer: text(officer),
    phone: text(phone),
    name: text(name),
    since: text(since),
    pin: text(pin),
  }));
  return read.filter(({ id }) => id !== '').sort((a, b) => b.since.localeCompare(a.since));
}
