/** The charts of the figures page: which columns, in which unit, under which name. */
import { m } from '../../paraglide/messages.js';
import { type Extreme, short } from './figures';

type Say = () => string;
export type Unit = 'rate' | 'seconds' | 'count';

export interface Line {
  /** A column of the answer. */
  key: string;
  name: Say;
}

export interface ChartPlan {
  id: string;
  title: Say;
  note: Say;
  unit: Unit;
  /** What matters of it beside the present: the highest, or the lowest. */
  extreme: Extreme;
  /** It only ever grows: its present value is its highest. */
  grows?: boolean;
  lines: Line[];
}

/** A chart of which the highest matters beside the present; `more` says where it is otherwise. */
function chart(id: string, unit: Unit, title: Say, note: Say, lines: Record<string, Say>, more: Partial<ChartPlan> = {}): ChartPlan {
  const named = Object.entries(lines).map(([key, name]) => ({ key, name }));
  return { id, unit, title, note, extreme: 'most', lines: named, ...more };
}

export const CHARTS: ChartPlan[] = [
  chart('ingest', 'rate', m.fig_ingest, m.fig_ingest_note, {
    ingest_alarm: m.fig_lane_alarm,
    ingest_bulk: m.fig_lane_bulk,
  }),
  chart('reach', 'seconds', m.fig_reach, m.fig_reach_note, {
    canary_p50: m.fig_canary_p50,
    canary_p99: m.fig_canary_p99,
  }),
  chart('receipt', 'seconds', m.fig_receipt, m.fig_receipt_note, {
    receipt_p50: m.fig_receipt_p50,
    receipt_p99: m.fig_receipt_p99,
  }),
  chart('commit', 'seconds', m.fig_commit, m.fig_commit_note, {
    commit_p50: m.fig_commit_p50,
    commit_p99: m.fig_commit_p99,
    ingest_p99: m.fig_ingest_p99,
  }),
  chart('queue', 'count', m.fig_queue, m.fig_queue_note, {
    queue_alarm: m.fig_lane_alarm,
    queue_bulk: m.fig_lane_bulk,
    queue_requests: m.fig_queue_requests,
  }),
  chart('duty', 'count', m.fig_duty, m.fig_duty_note, {
    duty_on: m.fig_duty_on,
    duty_reachable: m.fig_duty_reachable,
  }, { extreme: 'least' }),
  chart('false', 'count', m.fig_false, m.fig_false_note, {
    judged: m.fig_judged,
    judged_false: m.fig_judged_false,
  }, { grows: true }),
  chart('devices', 'count', m.fig_devices, m.fig_devices_note, {
    silent: m.fig_silent,
    never_heard: m.fig_never,
  }),
];

/** A value with its unit, in the language of the app. */
export function valueWords(value: number | null, unit: Unit): string {
  if (value === null) return '–';
  if (unit === 'rate') return m.unit_per_s({ n: short(value) });
  if (unit === 'count') return short(value);
  return value < 1 ? m.unit_ms({ n: short(value * 1000) }) : m.unit_s({ n: short(value) });
}
