import { msToPcmBytes, pcmBytesToMs } from '#contracts';
import { type HeardSentence, type HeardWord, ToneReader } from '#engine-testkit';
import type { riva } from '#protos';
import { type StreamScript, defaultStream } from './riva-script.js';
import type { RivaText } from './riva-text.js';

const STABLE = 0.9;
const UNSURE = 0.1;
/** Announces that the utterance is over though its final is still to come. */
const CERTAIN = 1;

/** What one response of a stream carries. */
export type StreamResults = readonly riva.StreamingRecognitionResult[];

export interface StreamWishes {
  readonly interims: boolean;
  /** Wants to see the probabilities of speech inside the server. */
  readonly vadProbabilities: boolean;
}

/** Turns the PCM of one stream into what a server answers. Times count from the start of the stream. */
export class Utterances {
  /** All that was heard, in order. */
  readonly words: string[] = [];
  private readonly script: StreamScript;
  private readonly reader = new ToneReader();
  private readonly stepBytes: number;
  private rest = Buffer.alloc(0);
  /** Ended, but not final yet: under `all_but_last` the latest utterance, under `never` everything. */
  private held: HeardWord[] = [];
  private shownWords = 0;

  constructor(
    private readonly text: RivaText,
    script: Partial<StreamScript> | undefined,
    private readonly wishes: StreamWishes,
  ) {
    this.script = { ...defaultStream, ...script };
    this.stepBytes = msToPcmBytes(this.script.stepMs);
  }

  get audioMs(): number {
    return pcmBytesToMs(this.reader.heardBytes);
  }

  /** Each response as soon as the step of audio that it follows from is consumed. */
  *push(pcm: Buffer): Generator<StreamResults> {
    const audio = Buffer.concat([this.rest, pcm]);
    let at = 0;
    for (; at + this.stepBytes <= audio.length; at += this.stepBytes) {
      yield* this.step(audio.subarray(at, at + this.stepBytes));
    }
    this.rest = audio.subarray(at);
  }

  /** The end of the current utterance on demand. */
  *endUtterance(): Generator<StreamResults> {
    yield* this.consume(this.rest);
    this.rest = Buffer.alloc(0);
    const sentence = this.reader.end();
    if (sentence) yield* this.ended(sentence);
  }

  /** What is left when the audio ends. */
  *end(): Generator<StreamResults> {
    yield* this.endUtterance();
    yield* this.interim();
    if (this.words.length === 0 && this.text.saysSilence) yield [this.result([this.text.silence()], { isFinal: true })];
  }

  private *step(pcm: Buffer): Generator<StreamResults> {
    yield* this.consume(pcm);
    yield* this.interim();
    if (this.script.heartbeats === 'no_results') yield [];
    if (this.script.heartbeats === 'no_alternatives') yield [this.result([], {})];
  }

  private *consume(pcm: Buffer): Generator<StreamResults> {
    for (const sentence of this.reader.push(pcm)) yield* this.ended(sentence);
    // The next utterance has begun.
    if (this.script.finals === 'all_but_last' && this.reader.pending.length > 0) yield* this.settleHeld();
  }

  private *ended(sentence: HeardSentence): Generator<StreamResults> {
    this.words.push(...sentence.map((word) => word.text));
    if (this.script.finals === 'each') {
      yield* this.settle(sentence);
      return;
    }
    if (this.script.finals === 'all_but_last') yield* this.settleHeld();
    this.held.push(...sentence);
  }

  private *settleHeld(): Generator<StreamResults> {
    const { held } = this;
    this.held = [];
    if (held.length > 0) yield* this.settle(held);
  }

  private *settle(sentence: HeardSentence): Generator<StreamResults> {
    if (this.script.announcesFinals && this.wishes.interims) {
      yield [this.result([this.text.interim(sentence)], { stability: CERTAIN })];
    }
    this.shownWords = 0;
    yield [this.result(this.text.final(sentence), { isFinal: true })];
  }

  /** The whole utterance so far, where it has grown. */
  private *interim(): Generator<StreamResults> {
    const sentence = [...this.held, ...this.reader.pending];
    if (!this.wishes.interims || sentence.length === 0 || sentence.length === this.shownWords) return;
    this.shownWords = sentence.length;
    if (this.script.interims === 'whole') {
      yield [this.result([this.text.interim(sentence)], { stability: UNSURE })];
      return;
    }
    const parts = this.text.interimParts(sentence);
    yield parts.map((part, index) => this.result([part], { stability: index === parts.length - 1 ? UNSURE : STABLE }));
  }

  private result(
    alternatives: riva.SpeechRecognitionAlternative[],
    marks: { readonly isFinal?: boolean; readonly stability?: number },
  ): riva.StreamingRecognitionResult {
    return {
      alternatives,
      isFinal: marks.isFinal ?? false,
      stability: marks.stability ?? 0,
      channelTag: this.text.channelTag,
      audioProcessed: this.audioMs / 1000,
      ...(this.wishes.vadProbabilities && { pipelineStates: { vadProbabilities: [STABLE] } }),
    };
  }
}
