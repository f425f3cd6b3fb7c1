import { msToPcmBytes } from '#contracts';
import { SILENCE_BELOW, type ScriptedWord, wordOfLoudness } from './scripted-speech.js';

const FRAME_MS = 20;
const FRAME_BYTES = msToPcmBytes(FRAME_MS);
/** The tones are square waves: a few samples of a frame tell its loudness. */
const PEAK_STEP_BYTES = 20;
/** More silence than that ends a sentence. */
const SENTENCE_GAP_FRAMES = 8;

export interface HeardWord {
  readonly text: ScriptedWord;
  readonly startMs: number;
  readonly endMs: number;
}
export type HeardSentence = readonly HeardWord[];

/** Hears the words of scripted speech, from chunks of any size. */
export class ToneReader {
  private rest = Buffer.alloc(0);
  private frames = 0;
  private bytes = 0;
  private sentence: HeardWord[] = [];
  private word: { startFrame: number; peak: number } | undefined;
  private quietFrames = 0;

  /** Bytes pushed so far. */
  get heardBytes(): number {
    return this.bytes;
  }

  /** The words of the sentence that is not over yet. */
  get pending(): HeardSentence {
    return this.sentence;
  }

  /** @returns the sentences that ended in this chunk */
  push(chunk: Uint8Array): HeardSentence[] {
    this.bytes += chunk.length;
    const pcm = Buffer.concat([this.rest, chunk]);
    const sentences: HeardSentence[] = [];
    let at = 0;
    for (; at + FRAME_BYTES <= pcm.length; at += FRAME_BYTES) {
      const ended = this.frame(peakOf(pcm.subarray(at, at + FRAME_BYTES)));
      if (ended) sentences.push(ended);
    }
    this.rest = pcm.subarray(at);
    return sentences;
  }

  /** @returns the sentence that the end of the audio ends, if any */
  end(): HeardSentence | undefined {
    this.endWord();
    return this.endSentence();
  }

  private frame(peak: number): HeardSentence | undefined {
    const frame = this.frames;
    this.frames += 1;
    if (peak >= SILENCE_BELOW) {
      this.word ??= { startFrame: frame, peak: 0 };
      this.word.peak = Math.max(this.word.peak, peak);
      this.quietFrames = 0;
      return undefined;
    }
    this.endWord(frame);
    this.quietFrames += 1;
    return this.quietFrames === SENTENCE_GAP_FRAMES ? this.endSentence() : undefined;
  }

  private endWord(endFrame = this.frames): void {
    if (!this.word) return;
    const { startFrame, peak } = this.word;
    this.sentence.push({ text: wordOfLoudness(peak), startMs: startFrame * FRAME_MS, endMs: endFrame * FRAME_MS });
    this.word = undefined;
  }

  private endSentence(): HeardSentence | undefined {
    const { sentence } = this;
    this.sentence = [];
    return sentence.length > 0 ? sentence : undefined;
  }
}

function peakOf(frame: Buffer): number {
  let peak = 0;
  for (let at = 0; at < frame.length; at += PEAK_STEP_BYTES) peak = Math.max(peak, Math.abs(frame.readInt16LE(at)));
  return peak;
}
