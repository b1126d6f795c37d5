/** The charts of the figures page: which columns, in which unit, under which name. */
import { m } from '../../paraglide/messages.js';
import { type Extreme, short } from './figures';

export type Unit = 'rate' | 'seconds' | 'count';

export interface Line {
  /** A column of the answer. */
  key: string;
  name: () => string;
}

export interface ChartPlan {
  id: string;
  title: () => string;
  note: () => string;
  unit: Unit;
  /** What matters of it beside the present: the highest, or the lowest. */
  extreme: Extreme;
  /** It only ever grows: its present value is its highest. */
  grows?: boolean;
  lines: Line[];
}

export const CHARTS: ChartPlan[] = [
  {
    id: 'ingest',
    title: m.fig_ingest,
    note: m.fig_ingest_note,
    unit: 'rate',
    extreme: 'most',
    lines: [
      { key: 'ingest_alarm', name: m.fig_lane_alarm },
      { key: 'ingest_bulk', name: m.fig_lane_bulk },
    ],
  },
  {
    id: 'reach',
    title: m.fig_reach,
    note: m.fig_reach_note,
    unit: 'seconds',
    extreme: 'most',
    lines: [
      { key: 'canary_p50', name: m.fig_canary_p50 },
      { key: 'canary_p99', name: m.fig_canary_p99 },
    ],
  },
  {
    id: 'receipt',
    title: m.fig_receipt,
    note: m.fig_receipt_note,
    unit: 'seconds',
    extreme: 'most',
    lines: [
      { key: 'receipt_p50', name: m.fig_receipt_p50 },
      { key: 'receipt_p99', name: m.fig_receipt_p99 },
    ],
  },
  {
    id: 'commit',
    title: m.fig_commit,
    note: m.fig_commit_note,
    unit: 'seconds',
    extreme: 'most',
    lines: [
      { key: 'commit_p50', name: m.fig_commit_p50 },
      { key: 'commit_p99', name: m.fig_commit_p99 },
      { key: 'ingest_p99', name: m.fig_ingest_p99 },
    ],
  },
  {
    id: 'queue',
    title: m.fig_queue,
    note: m.fig_queue_note,
    unit: 'count',
    extreme: 'most',
    lines: [
      { key: 'queue_alarm', name: m.fig_lane_alarm },
      { key: 'queue_bulk', name: m.fig_lane_bulk },
      { key: 'queue_requests', name: m.fig_queue_requests },
    ],
  },
  {
    id: 'duty',
    title: m.fig_duty,
    note: m.fig_duty_note,
    unit: 'count',
    extreme: 'least',
    lines: [
      { key: 'duty_on', name: m.fig_duty_on },
      { key: 'duty_reachable', name: m.fig_duty_reachable },
    ],
  },
  {
    id: 'false',
    title: m.fig_false,
    note: m.fig_false_note,
    unit: 'count',
    extreme: 'most',
    grows: true,
    lines: [
      { key: 'judged', name: m.fig_judged },
      { key: 'judged_false', name: m.fig_judged_false },
    ],
  },
  {
    id: 'devices',
    title: m.fig_devices,
    note: m.fig_devices_note,
    unit: 'count',
    extreme: 'most',
    lines: [
      { key: 'silent', name: m.fig_silent },
      { key: 'never_heard', name: m.fig_never },
    ],
  },
];

/** A value with its unit, in the language of the app. */
export function valueWords(value: number | null, unit: Unit): string {
  if (value === null) return '–';
  if (unit === 'rate') return m.unit_per_s({ n: short(value) });
  if (unit === 'count') return short(value);
  return value < 1 ? m.unit_ms({ n: short(value * 1000) }) : m.unit_s({ n: short(value) });
}
