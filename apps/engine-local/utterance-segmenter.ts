import { SAMPLE_RATE_HZ } from '#contracts';

/** Samples in one frame of Silero VAD v5 at 16 kHz (model documentation, v5): 32 ms. */
export const FRAME_SAMPLES = 512;
const FRAME_MS = (1000 * FRAME_SAMPLES) / SAMPLE_RATE_HZ;

/** A stretch of speech that is decoded as one. Positions are samples from the start of the call. */
export interface Utterance {
  /** Where the speech is. */
  readonly start: number;
  readonly end: number;
  /** The same with a little of the sound around it, which the recogniser needs to get the edges right. */
  readonly audioStart: number;
  readonly audioEnd: number;
}

export interface SegmenterOptions {
  /** Probability from which a frame starts speech. 0.5 is the default of Silero's own `get_speech_timestamps`. */
  readonly startThreshold: number;
  /** Probability under which speech ends; Silero takes its threshold less 0.15, so that speech does not flicker. */
  readonly endThreshold: number;
  /** Less speech than this is a click or a cough: Silero's default. */
  readonly minSpeechMs: number;
  /** No utterance is longer. The model is made for up to 30 s, but its work grows with the square of the length. */
  readonly maxUtteranceMs: number;
  /** Sound kept around the speech for the recogniser. */
  readonly contextMs: number;
  /** The pause that ends an utterance that has come to that length: the longer it is, the readier we are to cut. */
  readonly pauseMs: (utteranceMs: number) => number;
}

export const defaultSegmenterOptions: SegmenterOptions = {
  startThreshold: 0.5,
  endThreshold: 0.35,
  minSpeechMs: 250,
  maxUtteranceMs: 15_000,
  contextMs: 200,
  pauseMs: (utteranceMs) => (utteranceMs < 4_000 ? 600 : utteranceMs < 10_000 ? 400 : 200),
};

/** Frames on either side that are averaged when the quietest place for a cut is looked for. */
const CUT_SMOOTHING_FRAMES = 3;

interface OpenUtterance {
  /** First frame. */
  readonly start: number;
  /** Probability of each frame since then. */
  readonly probabilities: number[];
  /** Frame after the last one that held speech. */
  speechEnd: number;
  speechFrames: number;
  /** Whether the frame before was speech; a pause has begun otherwise. */
  speaking: boolean;
}

/**
 * Makes utterances of speech probabilities, frame by frame: hysteresis against flicker, a cut at a pause, and where
 * somebody speaks on and on a cut where speech is least likely. Pure: knows neither audio nor model.
 */
export class UtteranceSegmenter {
  private frame = 0;
  private open: OpenUtterance | undefined;
  private lastEnd = 0;
  private finished: Utterance[] = [];

  constructor(private readonly options: SegmenterOptions = defaultSegmenterOptions) {}

  /** Position from which on no utterance has been given yet: where the open one starts, or where the audio is. */
  get settled(): number {
    const frame = this.open?.start ?? this.frame;
    return Math.max(this.lastEnd, frame * FRAME_SAMPLES - this.contextSamples);
  }

  /** Takes the next frames' probabilities and gives the utterances that they complete, in order. */
  push(probabilities: Iterable<number>): Utterance[] {
    for (const probability of probabilities) this.step(probability);
    return this.take();
  }

  /** The audio is over: gives what is still open. */
  flush(): Utterance[] {
    if (this.open) this.finish(this.open, this.open.speechEnd, this.frame);
    this.open = undefined;
    return this.take();
  }

  private get contextSamples(): number {
    return Math.round((this.options.contextMs * SAMPLE_RATE_HZ) / 1000);
  }

  private take(): Utterance[] {
    const taken = this.finished;
    this.finished = [];
    return taken;
  }

  private step(probability: number): void {
    const frame = this.frame++;
    if (!this.open) {
      if (probability >= this.options.startThreshold) this.open = opened(frame, probability);
      return;
    }
    const open = this.open;
    open.probabilities.push(probability);
    open.speaking = probability >= (open.speaking ? this.options.endThreshold : this.options.startThreshold);
    if (open.speaking) {
      open.speechEnd = frame + 1;
      open.speechFrames++;
    }
    const pauseMs = (frame + 1 - open.speechEnd) * FRAME_MS;
    if (pauseMs >= this.options.pauseMs((open.speechEnd - open.start) * FRAME_MS)) {
      this.finish(open, open.speechEnd, frame + 1);
      this.open = undefined;
    } else if (open.probabilities.length * FRAME_MS >= this.options.maxUtteranceMs) {
      this.cut(open);
    }
  }

  /** Ends an utterance that is too long at its quietest place and looks again at the frames after it. */
  private cut(open: OpenUtterance): void {
    const at = quietest(open.probabilities);
    const cutFrame = open.start + at;
    this.finish(open, Math.min(open.speechEnd, cutFrame), cutFrame);
    const rest = open.probabilities.slice(at);
    const [first = 0] = rest;
    this.frame = cutFrame;
    this.open = undefined;
    // Someone in mid-sentence is still speaking right after the cut: the lower threshold holds.
    if (first >= this.options.endThreshold) {
      this.open = opened(cutFrame, first);
      this.frame++;
      rest.shift();
    }
    for (const probability of rest) this.step(probability);
  }

  private finish(open: OpenUtterance, endFrame: number, heardFrames: number): void {
    const start = open.start * FRAME_SAMPLES;
    const end = endFrame * FRAME_SAMPLES;
    if (open.speechFrames * FRAME_MS >= this.options.minSpeechMs && end > start) {
      const audioStart = Math.max(this.lastEnd, start - this.contextSamples);
      const audioEnd = Math.min(heardFrames * FRAME_SAMPLES, end + this.contextSamples);
      this.finished.push({ start, end, audioStart, audioEnd });
      this.lastEnd = end;
    }
  }
}

function opened(frame: number, probability: number): OpenUtterance {
  return { start: frame, probabilities: [probability], speechEnd: frame + 1, speechFrames: 1, speaking: true };
}

/** Index in the second half at which speech is least likely, over a few frames; at least 1. */
function quietest(probabilities: readonly number[]): number {
  let best = probabilities.length - 1;
  let lowest = Infinity;
  for (let i = Math.max(1, probabilities.length >> 1); i < probabilities.length; i++) {
    let sum = 0;
    for (let k = -CUT_SMOOTHING_FRAMES; k <= CUT_SMOOTHING_FRAMES; k++) {
      sum += probabilities[Math.min(probabilities.length - 1, i + k)] ?? 0;
    }
    if (sum <= lowest) {
      lowest = sum;
      best = i;
    }
  }
  return best;
}
