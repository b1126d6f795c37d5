/** What `GET /api/admin/overview` answers, as the console uses it. Loaded only with the console. */
import type { Words } from '../../core/alarm';
import { request } from '../../platform/http';

/** A topic whose messages are not (all) understood. */
export interface Unmatched {
  topic: string;
  count: number;
  first_at: string;
  last_at: string;
  rate_per_min: number;
  reason: { code: string; text: Words };
  /** The last payload as text, or hex when it is not UTF-8; cut at 2 KiB. */
  sample: string;
  bytes: number;
  kind: string;
  profile: string | null;
}

export interface Device {
  id: string;
  place: string;
  place_path: string[];
  place_path_en: string[];
  purpose: string;
  profile: string;
  liveness: string;
  last_at: string | null;
  interval_s: number | null;
  battery_pct: number | null;
}

/** A member of staff. */
export interface Staff {
  id: string;
  name: string;
  roles: string[];
  on_duty: boolean;
  reachable: boolean;
  how: string[];
  phones: number;
}

/** Something that is not well; `code` is stable. */
export interface Concern extends Words {
  code: string;
}

export interface Overview {
  unmatched: Unmatched[];
  devices: Device[];
  people: Staff[];
  /** `since` is when the present outage began, if there is one. */
  path: { alarm: string; bulk: string; since: string | null };
  health: { ready: boolean; reasons: Concern[] };
  clock: { trusted: boolean };
  config: { hash: string; since?: string | null };
}

/** Reads the overview. The gateway of the same release wrote it, so missing parts are filled, not checked. */
export async function readOverview(): Promise<Overview | 'forbidden' | 'unreachable'> {
  const answer = await request('GET', '/api/admin/overview');
  if (answer?.status === 403 || answer?.status === 401) return 'forbidden';
  if (answer?.status !== 200 || typeof answer.body !== 'object' || answer.body === null) return 'unreachable';
  const body = answer.body as Partial<Overview>;
  return {
    unmatched: body.unmatched ?? [],
    devices: body.devices ?? [],
    people: body.people ?? [],
    path: body.path ?? { alarm: '', bulk: '', since: null },
    health: body.health ?? { ready: false, reasons: [] },
    clock: body.clock ?? { trusted: false },
    config: body.config ?? { hash: '' },
  };
}

/** A sample made safe to read: control and direction characters, which could hide or reorder text, are spelled out. */
export function legible(sample: string): string {
  return sample.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, (c) =>
    `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
