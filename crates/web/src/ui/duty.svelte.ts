/**
 * The client as the screens see it: its view made reactive, what is ringing,
 * what was silenced or set aside here, and the few seconds in which an
 * acceptance can be taken back.
 */
import { untrack } from 'svelte';
import { version } from '../../package.json';
import { Client, type View } from '../core/client';
import { isObject } from '../core/read';
import { type Shown, ordered, ringKey, ringing, show } from '../core/ring';
import { uuid7 } from '../core/uuid7';
import type { Command, Refusal } from '../core/wire';
import { clock, dial } from '../platform/browser';
import { http, request } from '../platform/http';
import { forgetPlans, keepPlans } from '../platform/plans';
import { clearNotices } from '../platform/push';
import * as sound from '../platform/sound';
import { IdbStore } from '../platform/store';
import { startWorker, update } from '../platform/worker';
import { gate } from './gate.svelte';
import { lock, watchLock } from './lock.svelte';
import { prefs } from './prefs.svelte';
import { alarmHref, route } from './route.svelte';

/** How long an acceptance can be taken back with one tap. */
const UNDO_MS = 5_000;
/** A connection that is back sooner than this is not worth a banner. */
const PATIENCE_MS = 3_000;
/** Bursts of changes are shown at most this often. */
const REFRESH_MS = 50;

interface Undo {
  command: Command;
  until_ms: number;
}

const client = new Client({
  clock,
  dial,
  http,
  store: new IdbStore(),
  version,
  presence: () => ({
    vis: document.visibilityState === 'visible' ? 'visible' : 'hidden',
    audio: sound.unlocked(),
    locale: prefs.locale,
    push: gate.push === 'ok' ? 'ok' : 'none',
  }),
  sounding: (id) => sound.unlocked() && heard.has(id),
  events: { changed: refresh, settled },
});

let view = $state.raw<View>(client.view);
let now_ms = $state(client.now());
let audio = $state(sound.unlocked());
/** The phone itself says that it has no network; true is no promise. */
let network = $state(navigator.onLine);
let update_ready = $state(false);
/** The drill of one's own phones that runs, by its alarm. */
let drill = $state.raw<string | null>(null);
let undo = $state.raw<Undo | null>(null);
let notice = $state.raw<{ command: Command; refusal: Refusal } | null>(null);
/** Alarm id → what it rang about when a person silenced it or went to the list. */
let hushed = $state.raw<ReadonlyMap<string, string>>(new Map());
let aside = $state.raw<ReadonlyMap<string, string>>(new Map());
let declined = $state.raw<ReadonlySet<string>>(new Set());
let heard: ReadonlySet<string> = new Set();

const shown = $derived(view.alarms.map((a) => show(a, view.pending, view.session?.officer.id ?? '')));
const lists = $derived(ordered(shown));
const calling = $derived(ringing(shown, declined));
const live = $derived(view.phase === 'live');
/** As one text, so that what follows from it happens when it changes and not with every message. */
const calling_ids = $derived(calling.map(({ alarm }) => alarm.id).join(' '));
const open_ids = $derived(lists.open.map(({ alarm }) => alarm.id).join(' '));
const front = $derived(calling.find(({ alarm }) => aside.get(alarm.id) !== ringKey(alarm)) ?? null);
const offline = $derived(
  view.phase === 'replaced' ||
    view.phase === 'outdated' ||
    (!network && view.down_since !== null) ||
    (view.down_since !== null && now_ms - view.down_since >= PATIENCE_MS),
);
const loud = $derived(calling.filter(({ alarm }) => hushed.get(alarm.id) !== ringKey(alarm)));

export const duty = {
  get view(): View {
    return view;
  },
  /** The gateway's time, ticking every second. */
  get now_ms(): number {
    return now_ms;
  },
  get open(): Shown[] {
    return lists.open;
  },
  get over(): Shown[] {
    return lists.over;
  },
  /** Everything that waits for this officer's acceptance. */
  get calling(): Shown[] {
    return calling;
  },
  /** The one that fills the screen; `null` when none does. */
  get front(): Shown | null {
    return front;
  },
  /** Whether to say that nothing arrives; a short interruption is not worth it. */
  get offline(): boolean {
    return offline;
  },
  /** Whether a newer build of the app waits for a tap. */
  get updateReady(): boolean {
    return update_ready;
  },
  /** Whether something is being sounded now. */
  get loud(): boolean {
    return loud.length > 0;
  },
  get audio(): boolean {
    return audio;
  },
  /** The acceptance that can still be taken back: not for long, and not once more has been done. */
  get undo(): Undo | null {
    if (!undo || undo.until_ms <= now_ms) return null;
    return duty.find(undo.command.id)?.state === 'accepted' ? undo : null;
  },
  get notice(): { command: Command; refusal: Refusal } | null {
    return notice;
  },
  find(id: string): Shown | null {
    return shown.find((s) => s.alarm.id === id) ?? null;
  },

  accept({ alarm }: Shown): void {
    notice = null;
    const command = client.command('accept', alarm);
    if (alarm.id === drill) {
      // Seen, heard and answered: that is all a drill is for.
      client.command('resolve', alarm, { outcome: 'test' });
      drill = null;
      gate.drilled('answered');
      route.go('#/duty');
      return;
    }
    undo = { command, until_ms: client.now() + UNDO_MS };
    route.go(alarmHref(alarm.id));
  },
  takeBack(): void {
    if (!undo) return;
    client.undo(undo.command);
    undo = null;
  },
  decline({ alarm }: Shown, reason: string): void {
    notice = null;
    declined = new Set([...declined, alarm.id]);
    client.command('decline', alarm, { reason });
  },
  act(op: string, { alarm }: Shown, extra: Partial<Command> = {}, pictures: Blob[] = []): void {
    notice = null;
    client.command(op, alarm, extra, pictures);
  },
  /** Tells of a hazard; returns the command's id. */
  report(what: Partial<Command>, pictures: Blob[]): string {
    notice = null;
    return client.command('report', { id: '', rev: 0 }, what, pictures).cid;
  },
  /** Sets everything that is calling aside; it stays in the list and comes back when it becomes more urgent. */
  setAside(): void {
    aside = keysOf(calling);
  },
  /** Brings what was set aside back to the front. */
  answer(): void {
    aside = new Map();
  },
  /** Ends the sound of what is ringing now. */
  hush(): void {
    if (loud.length > 0) hushed = keysOf(calling);
  },
  dismissNotice(): void {
    notice = null;
  },

  showing: (id: string, rev: number) => client.showing(id, rev),
  notShowing: (id: string) => client.notShowing(id),
  reconnect: () => client.reconnect(),
  retry: () => client.wake(),
  update: () => update(),
  signOut: () => Promise.all([client.signOut(), forgetPlans()]).then(() => undefined),
  /** Asks for an alarm marked TEST that reaches this officer's phones and nobody else. */
  async startDrill(): Promise<void> {
    gate.drilled('waiting');
    const answer = await request('POST', '/api/drill', { cid: uuid7(clock.now(), clock.bytes(10)) });
    const body = answer?.status === 200 && isObject(answer.body) ? answer.body : null;
    if (typeof body?.id === 'string') drill = body.id;
    else gate.drilled('failed');
  },
  async unlockSound(): Promise<void> {
    const was = sound.unlocked();
    audio = await sound.unlock();
    if (audio && !was) client.presenceChanged();
  },
};

/** Starts the client and everything that follows the page; returns how to stop it. */
export function startDuty(): () => void {
  sound.loudnessFrom((level) => prefs.loudness(level));
  const stopSound = $effect.root(() => {
    $effect(() => {
      // At each opening: browsers end subscriptions without a word.
      if (live) void untrack(() => gate.sync()).then((changed) => changed && client.presenceChanged());
    });
    $effect(() => {
      heard = new Set(loud.slice(0, 1).map(({ alarm }) => alarm.id));
      sound.ring(loud[0]?.alarm.prio ?? null);
    });
    $effect(() => {
      // Only what the whole list says: a list that is behind must not take a fresh notification away.
      if (live) void clearNotices(new Set(calling_ids.split(' ')));
    });
    $effect(() => {
      const officer = view.session?.officer.id;
      const open = open_ids.split(' ').filter(Boolean);
      if (live && officer) void keepPlans(officer, open);
    });
    $effect(() => {
      const waiting = calling.length;
      document.title = waiting > 0 ? `(${waiting}) 望楼 Wanglou` : '望楼 Wanglou';
    });
  });
  const tick = setInterval(() => {
    now_ms = client.now();
  }, 1_000);
  const stop = new AbortController();
  const { signal } = stop;
  gate.watch(signal);
  watchLock(() => view.session !== null && lock.asks(view.session.pin), signal);
  document.addEventListener('visibilitychange', () => client.presenceChanged(), { signal });
  document.addEventListener('visibilitychange', () => void gate.look(), { signal });
  window.addEventListener('pageshow', (e) => e.persisted && client.wake(), { signal });
  document.addEventListener('resume', () => client.wake(), { signal });
  window.addEventListener('online', () => (network = true) && client.wake(), { signal });
  window.addEventListener('offline', () => (network = false), { signal });
  // Any tap or key unlocks the sound and ends the ringing of what is on the screen.
  for (const gesture of ['pointerdown', 'keydown'] as const) {
    window.addEventListener(gesture, onGesture, { signal, capture: true });
  }
  void client.start();
  // A shift that runs goes on over a reload.
  if (gate.started(Date.now())) void gate.keepAwake(true);
  void startWorker({
    updateReady: () => (update_ready = true),
    open: (alarm) => route.go(alarm ? alarmHref(alarm) : '#/'),
    trial: (id) => gate.arrived(id),
  });
  return () => {
    stop.abort();
    clearInterval(tick);
    stopSound();
    sound.ring(null);
  };
}

function onGesture(): void {
  duty.hush();
  if (!sound.unlocked()) void duty.unlockSound();
}

function settled(command: Command, refusal: Refusal | null): void {
  if (!refusal) return;
  notice = { command, refusal };
  if (undo?.command.cid === command.cid) undo = null;
  if (command.op === 'decline') declined = new Set([...declined].filter((id) => id !== command.id));
}

let refreshed_ms = 0;
let refresh_due = false;

/** Takes over the client's view: at once after a pause, and at most every 50 ms in a burst. */
function refresh(): void {
  if (refresh_due) return;
  refresh_due = true;
  const wait_ms = Math.max(0, refreshed_ms + REFRESH_MS - performance.now());
  setTimeout(() => {
    refresh_due = false;
    refreshed_ms = performance.now();
    view = client.view;
    now_ms = client.now();
    prune();
  }, wait_ms);
}

function keysOf(alarms: readonly Shown[]): ReadonlyMap<string, string> {
  return new Map(alarms.map(({ alarm }) => [alarm.id, ringKey(alarm)]));
}

/** What no longer calls is forgotten, so that it rings anew should it come back. */
function prune(): void {
  const ids = new Set(calling.map(({ alarm }) => alarm.id));
  const open = new Set(view.alarms.filter((a) => a.state === 'open').map((a) => a.id));
  if ([...aside.keys()].some((id) => !ids.has(id))) aside = new Map([...aside].filter(([id]) => ids.has(id)));
  if ([...hushed.keys()].some((id) => !ids.has(id))) hushed = new Map([...hushed].filter(([id]) => ids.has(id)));
  if ([...declined].some((id) => !open.has(id))) declined = new Set([...declined].filter((id) => open.has(id)));
}
