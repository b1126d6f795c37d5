/** How uPlot draws a chart here: quiet, on the page's own colours, told apart by dashes as well as by colour. */
import type uPlot from 'uplot';
import { type ChartPlan, valueWords } from './charts';

/** One way to draw a line for each place in a chart; the same in the words beside it. */
export const STROKES: { color: string; dash: number[]; width: number }[] = [
  { color: '--chart-1', dash: [], width: 2.5 },
  { color: '--chart-2', dash: [7, 4], width: 2.5 },
  { color: '--chart-3', dash: [2, 4], width: 3 },
  { color: '--chart-4', dash: [10, 4, 2, 4], width: 2 },
];

export const HEIGHT = 190;

/** `21:04`, in the device's time zone. */
export function clockMinute(at_s: number): string {
  const date = new Date(at_s * 1000);
  return [date.getHours(), date.getMinutes()].map((n) => String(n).padStart(2, '0')).join(':');
}

interface Wanted {
  plan: ChartPlan;
  width: number;
  length_s: number;
  color: (name: string) => string;
  font: string;
  onhover: (index: number | null) => void;
}

export function options({ plan, width, length_s, color, font, onhover }: Wanted): uPlot.Options {
  const axis = { stroke: color('--muted'), font, grid: { stroke: color('--grid'), width: 1 }, ticks: { show: false } };
  const whole = plan.unit === 'count' ? { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000] } : {};
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    padding: [9, 9, 0, 0],
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    scales: {
      x: { time: true, range: (_, __, last) => [last - length_s, last] },
      y: { range: (_, __, most) => [0, Math.max(most * 1.1, plan.unit === 'count' ? 1.1 : plan.unit === 'rate' ? 1 : 0.001)] },
    },
    axes: [
      { ...axis, space: 70, size: 30, incrs: [600, 1200, 1800, 3600, 7200, 14_400, 21_600, 43_200], values: (_, ticks) => ticks.map(clockMinute) },
      { ...axis, ...whole, size: 64, space: 45, values: (_, ticks) => ticks.map((tick) => (tick === 0 ? '0' : valueWords(tick, plan.unit))) },
    ],
    series: [
      {},
      ...plan.lines.map((_, i) => {
        const stroke = STROKES[i % STROKES.length] as (typeof STROKES)[number];
        return {
          stroke: color(stroke.color),
          dash: stroke.dash,
          width: stroke.width,
          // A value between two gaps is seen as well.
          points: { show: (u: uPlot, series: number, from: number, to: number) => alone(u, series, from, to), size: 5 },
        };
      }),
    ],
    hooks: { setCursor: [(u) => onhover(u.cursor.idx ?? null)] },
  };
}

/** So few values that a line would hide them. */
function alone(u: uPlot, series: number, from: number, to: number): boolean {
  const values = (u.data[series] ?? []).slice(from, to + 1);
  return values.filter((value) => value !== null && value !== undefined).length <= 12;
}
