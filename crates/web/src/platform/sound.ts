/**
 * The sound of each level, made on the spot with WebAudio, so that it needs no
 * download. Browsers let a page sound only after a tap: until `unlock` was
 * called from one, `ring` is silent and `unlocked` says so.
 *
 * Each level has a rhythm of its own, so that it is known without looking:
 * one: quick pairs, high-low; two: three even beats; three: two soft beats;
 * four never rings.
 */
import type { Priority } from '../core/alarm';
import type { Loudness } from './prefs';

interface Beat {
  at_s: number;
  hz: number;
  long_s: number;
}

interface Pattern {
  beats: Beat[];
  /** After this long the rhythm begins again. */
  every_ms: number;
  gain: number;
  vibrate_ms: number[];
}

const PATTERNS: Record<Exclude<Priority, 4>, Pattern> = {
  1: {
    beats: [0, 0.36, 0.72, 1.08].flatMap((at_s) => [
      { at_s, hz: 988, long_s: 0.16 },
      { at_s: at_s + 0.17, hz: 740, long_s: 0.16 },
    ]),
    every_ms: 2_000,
    gain: 0.5,
    vibrate_ms: [300, 100, 300, 100, 300],
  },
  2: {
    beats: [0, 0.45, 0.9].map((at_s) => ({ at_s, hz: 784, long_s: 0.25 })),
    every_ms: 3_000,
    gain: 0.4,
    vibrate_ms: [250, 200, 250],
  },
  3: {
    beats: [
      { at_s: 0, hz: 523, long_s: 0.3 },
      { at_s: 0.5, hz: 659, long_s: 0.4 },
    ],
    every_ms: 8_000,
    gain: 0.3,
    vibrate_ms: [200],
  },
};

/** Of the usual loudness; the vibration stays as it is. */
const GAINS: Record<Loudness, number> = { loud: 1, soft: 0.35, off: 0 };

/** How loud each level is on this phone; set by whoever keeps the person's choices. */
let loudnessOf: (level: Exclude<Priority, 4>) => Loudness = () => 'loud';

/** Takes over where the person's choices are read. */
export function loudnessFrom(read: typeof loudnessOf): void {
  loudnessOf = read;
}

let context: AudioContext | null = null;
let playing: { level: Priority; timer: ReturnType<typeof setInterval> } | null = null;

/** Call from a tap; resolves to whether the page may sound now. */
export async function unlock(): Promise<boolean> {
  try {
    context ??= new AudioContext();
    if (context.state !== 'running') await context.resume();
  } catch {
    return false;
  }
  return unlocked();
}

/** Whether the page may sound. */
export function unlocked(): boolean {
  return context?.state === 'running';
}

/** Sounds the rhythm of `level` until told otherwise; `null` and level four are silence. */
export function ring(level: Priority | null): void {
  const wanted = level === 4 ? null : level;
  if ((playing?.level ?? null) === wanted) return;
  if (playing) {
    clearInterval(playing.timer);
    if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(0);
    playing = null;
  }
  if (wanted === null) return;
  const round = () => play(PATTERNS[wanted], GAINS[loudnessOf(wanted)]);
  round();
  playing = { level: wanted, timer: setInterval(round, PATTERNS[wanted].every_ms) };
}

/** One round of the rhythm of `level`, to try it out. */
export function sample(level: Exclude<Priority, 4>): void {
  play(PATTERNS[level], GAINS[loudnessOf(level)]);
}

function play(pattern: Pattern, share: number): void {
  // Browsers refuse, and say so loudly, before the first tap.
  if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(pattern.vibrate_ms);
  if (!context || !unlocked() || share === 0) return;
  const start_s = context.currentTime + 0.02;
  for (const beat of pattern.beats) playBeat(context, start_s, beat, pattern.gain * share);
}

function playBeat(audio: AudioContext, start_s: number, beat: Beat, loudness: number): void {
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  const from_s = start_s + beat.at_s;
  const until_s = from_s + beat.long_s;
  tone.type = 'triangle';
  tone.frequency.value = beat.hz;
  // Short ramps: a tone that starts or stops at once clicks.
  volume.gain.setValueAtTime(0, from_s);
  volume.gain.linearRampToValueAtTime(loudness, from_s + 0.015);
  volume.gain.setValueAtTime(loudness, until_s - 0.03);
  volume.gain.linearRampToValueAtTime(0, until_s);
  tone.connect(volume).connect(audio.destination);
  tone.start(from_s);
  tone.stop(until_s);
}
