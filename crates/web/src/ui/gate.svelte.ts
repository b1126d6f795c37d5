/**
 * The start of a shift as the screens see it: what this phone can receive, what
 * was tried, and whether a shift was started here lately. The verdicts are the
 * core's (`readiness.ts`); this keeps the facts.
 */
import type { PushState } from '../core/readiness';
import { battery, canStayAwake, install, stayAwake, stillAwake, watchInstall } from '../platform/phone';
import { saveDutyStart, savedDutyStart } from '../platform/prefs';
import { askPush, syncPush, trialPush } from '../platform/push';
import { keepsApp } from '../platform/worker';

/** A gate that was passed longer ago belongs to another shift. */
const SHIFT_MS = 12 * 3600 * 1000;
/** A trial message that takes longer would be too late as an alarm, too. */
const TRIAL_MS = 20_000;

/** How a drill goes. */
export type Drill = 'waiting' | 'answered' | 'failed' | null;

let push = $state<PushState>('unknown');
let push_trial = $state<'waiting' | 'arrived' | 'lost' | null>(null);
let trial_id = '';
let trial_timer: ReturnType<typeof setTimeout> | undefined;
/** Trials that came before the answer that names them. */
let arrived_ids: string[] = [];
let heard = $state<boolean | null>(null);
let awake = $state<boolean | null>(canStayAwake() ? false : null);
let kept = $state(false);
let charge = $state.raw<{ percent: number; charging: boolean } | null>(null);
let drill = $state<Drill>(null);
let can_install = $state(false);
let started_ms = $state(savedDutyStart());

export const gate = {
  get push(): PushState {
    return push;
  },
  get pushTrial() {
    return push_trial;
  },
  /** Whether the person heard the trial sound; `null` when not asked yet. */
  get heard(): boolean | null {
    return heard;
  },
  get awake(): boolean | null {
    return awake;
  },
  get kept(): boolean {
    return kept;
  },
  get battery() {
    return charge;
  },
  get drill(): Drill {
    return drill;
  },
  /** The browser offers to put the app on the home screen. */
  get canInstall(): boolean {
    return can_install;
  },
  async install(): Promise<void> {
    can_install = false;
    await install();
  },
  /** Keeps the browser's offer to install until it is wanted. */
  watch(signal: AbortSignal): void {
    watchInstall((can) => (can_install = can), signal);
  },
  /** Whether a shift was started on this phone within the last twelve hours. */
  started(now_ms: number): boolean {
    return started_ms > 0 && now_ms - started_ms < SHIFT_MS;
  },

  /** Brings the push subscription up to date; resolves to whether it is another state now. */
  async sync(): Promise<boolean> {
    const before = push;
    const found = await syncPush();
    // Not being answered says nothing about the subscription that there was.
    if (found !== 'unknown' || push === 'unknown') push = found;
    return push !== before;
  },
  async ask(): Promise<void> {
    push = await askPush();
  },
  /** Sends a message to this phone alone, and waits for it. */
  async tryPush(): Promise<void> {
    push_trial = 'waiting';
    arrived_ids = [];
    clearTimeout(trial_timer);
    trial_id = (await trialPush()) ?? '';
    if (trial_id === '') push_trial = 'lost';
    else if (arrived_ids.includes(trial_id)) push_trial = 'arrived';
    else trial_timer = setTimeout(() => push_trial === 'waiting' && (push_trial = 'lost'), TRIAL_MS);
  },
  /** A trial message came in. */
  arrived(id: string): void {
    arrived_ids.push(id);
    if (id === trial_id) push_trial = 'arrived';
  },
  said(whether: boolean): void {
    heard = whether;
  },
  async keepAwake(on: boolean): Promise<void> {
    awake = canStayAwake() ? await stayAwake(on) : null;
  },
  drilled(how: Drill): void {
    drill = how;
  },
  /** Looks at what the phone tells by itself. */
  async look(): Promise<void> {
    [charge, kept] = await Promise.all([battery(), keepsApp()]);
    if (awake) awake = await stillAwake();
  },
  /** The shift begins. */
  start(now_ms: number): void {
    started_ms = now_ms;
    saveDutyStart(now_ms);
  },
};
