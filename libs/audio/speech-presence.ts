import { setImmediate as othersTurn } from 'node:timers/promises';
import { SAMPLE_RATE_HZ } from '#contracts';

/** Judged are frames of 20 ms; the pitch of each is sought in the 40 ms that end with it. */
const FRAME_SAMPLES = SAMPLE_RATE_HZ / 50;

/** Voices have their pitch below 400 Hz: a quarter of the samples shows it at a sixteenth of the cost. */
const DECIMATION = 4;
const PITCH_RATE_HZ = SAMPLE_RATE_HZ / DECIMATION;
const FRAME = FRAME_SAMPLES / DECIMATION;
const WINDOW = 2 * FRAME;
const SHORTEST_LAG = Math.floor(PITCH_RATE_HZ / 400);
const LONGEST_LAG = Math.ceil(PITCH_RATE_HZ / 70);

/** Quieter frames are not judged, in dB of full scale: recordings that somebody is meant to hear are louder. */
const QUIET_DB = -55;
/** What counts rises so far above the quietest tenth of the frames: a hum that goes on all the time is no speech. */
const ABOVE_FLOOR_DB = 6;
/** How alike two periods of a voice are at least, as normalised correlation. */
const VOICED = 0.7;

/** A syllable is voiced for 80 ms or more; tones that never end are none. */
const SHORTEST_SYLLABLE = 4;
const LONGEST_SYLLABLE = 60;
/** From one frame to the next a voice does not jump by more than that share of its pitch, as melodies do. */
const LARGEST_STEP = 0.12;
/** The pitch of a voice glides by that share within a syllable at least; that of most instruments stands still. */
const SMALLEST_GLIDE = 0.02;
/** So many gliding syllables are speech. */
const ENOUGH_SYLLABLES = 4;

/** Whoever speaks in an hour mostly does so in its first minute. */
const JUDGE_EVERY_FRAMES = 3_000;

interface Frame {
  readonly levelDb: number;
  /** Length of a period in samples of the lower rate; undefined where the frame has no pitch. */
  readonly period: number | undefined;
}

/**
 * Whether somebody seems to speak in a piece of audio. A cheap rule to doubt an engine by that heard nothing, and no voice
 * activity detector: it wants several syllables, voiced stretches whose pitch glides. Whispers, and a word or two, go
 * unnoticed; singing may pass for speech, most music, noise, hum and silence do not.
 *
 * @param pcm s16le mono at 16 kHz in chunks of any size; half a second of it takes about a millisecond, and
 *   others have their turn between chunks
 */
export async function hearsSpeech(pcm: AsyncIterable<Uint8Array>): Promise<boolean> {
  const reader = new PitchReader();
  let judged = 0;
  for await (const chunk of pcm) {
    reader.append(chunk);
    await othersTurn();
    if (reader.frames.length < judged + JUDGE_EVERY_FRAMES) continue;
    judged = reader.frames.length;
    if (countSyllables(reader.frames) >= ENOUGH_SYLLABLES) return true;
  }
  return countSyllables(reader.frames) >= ENOUGH_SYLLABLES;
}

function countSyllables(frames: readonly Frame[]): number {
  const levels = frames.map(({ levelDb }) => levelDb).toSorted((a, b) => a - b);
  const limitDb = Math.max(QUIET_DB, (levels[Math.floor(levels.length / 10)] ?? 0) + ABOVE_FLOOR_DB);
  let syllables = 0;
  let run: number[] = [];
  const endRun = () => {
    if (isSyllable(run)) syllables += 1;
    run = [];
  };
  for (const { levelDb, period } of frames) {
    const last = run.at(-1);
    if (period === undefined || levelDb < limitDb) endRun();
    else if (last !== undefined && Math.abs(period - last) > LARGEST_STEP * last) endRun();
    if (period !== undefined && levelDb >= limitDb) run.push(period);
  }
  endRun();
  return syllables;
}

function isSyllable(periods: readonly number[]): boolean {
  if (periods.length < SHORTEST_SYLLABLE || periods.length > LONGEST_SYLLABLE) return false;
  const sorted = periods.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  return at(0.9) - at(0.1) > SMALLEST_GLIDE * at(0.5);
}

/** Level and pitch of each frame of PCM, which may come in chunks of any size. */
class PitchReader {
  readonly frames: Frame[] = [];
  private odd: number | undefined;
  private sum = 0;
  private summed = 0;
  private fill = 0;
  private readonly window = new Float64Array(WINDOW);

  append(chunk: Uint8Array): void {
    for (const byte of chunk) {
      if (this.odd === undefined) {
        this.odd = byte;
        continue;
      }
      const sample = ((byte << 24) >> 16) | this.odd;
      this.odd = undefined;
      this.takeSample(sample / 32_768);
    }
  }

  private takeSample(sample: number): void {
    this.sum += sample;
    this.summed += 1;
    if (this.summed < DECIMATION) return;
    this.window[FRAME + this.fill] = this.sum / DECIMATION;
    this.sum = 0;
    this.summed = 0;
    this.fill += 1;
    if (this.fill < FRAME) return;
    this.frames.push(frameOf(this.window));
    this.window.copyWithin(0, FRAME);
    this.fill = 0;
  }
}

function frameOf(window: Float64Array): Frame {
  const centred = new Float64Array(WINDOW);
  let mean = 0;
  for (const value of window) mean += value / WINDOW;
  for (let i = 0; i < WINDOW; i += 1) centred[i] = (window[i] ?? 0) - mean;
  const levelDb = 10 * Math.log10(energy(centred, 0, WINDOW) / WINDOW + 1e-12);
  return { levelDb, period: levelDb < QUIET_DB ? undefined : periodOf(centred) };
}

/** The shortest lag at which the window is nearly as much like itself as at the best one, between two samples. */
function periodOf(window: Float64Array): number | undefined {
  const likeness = new Float64Array(LONGEST_LAG + 2);
  let best = 0;
  for (let lag = SHORTEST_LAG - 1; lag <= LONGEST_LAG + 1; lag += 1) {
    likeness[lag] = correlation(window, lag);
    if (lag >= SHORTEST_LAG && lag <= LONGEST_LAG) best = Math.max(best, likeness[lag] ?? 0);
  }
  if (best < VOICED) return undefined;
  for (let lag = SHORTEST_LAG; lag <= LONGEST_LAG; lag += 1) {
    const [before = 0, here = 0, after = 0] = likeness.subarray(lag - 1, lag + 2);
    if (here < 0.9 * best || here < before || here < after) continue;
    const curve = before - 2 * here + after;
    return curve === 0 ? lag : lag + (before - after) / (2 * curve);
  }
  return undefined;
}

function correlation(window: Float64Array, lag: number): number {
  let product = 0;
  const length = WINDOW - lag;
  for (let i = 0; i < length; i += 1) product += (window[i] ?? 0) * (window[i + lag] ?? 0);
  const both = energy(window, 0, length) * energy(window, lag, WINDOW);
  return both > 0 ? product / Math.sqrt(both) : 0;
}

function energy(window: Float64Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i += 1) sum += (window[i] ?? 0) ** 2;
  return sum;
}
