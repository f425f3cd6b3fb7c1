import { type EngineEvent, type EngineSegment, normalizeLanguage } from '#contracts';
import type { riva } from '#protos';
import { type TimedWord, segmentsOf, spreadWords } from './segments.js';
import { SpeakerTags } from './speaker-tags.js';
import { detects } from './riva-models.js';

export interface AssemblyOptions {
  readonly wordTimestamps: boolean;
  readonly diarization: boolean;
  readonly partialResults: boolean;
  /** Whether scores are probabilities; otherwise they are left out. */
  readonly confidence: boolean;
}

/** Where a text lies. */
export interface Position {
  /** From times of Riva's words to times in the audio. */
  readonly toAudioMs: (ms: number) => number;
  /** Audio that Riva has consumed, in the audio's time; undefined when it does not say. */
  readonly processedMs: number | undefined;
  /** Length of the audio that was read so far: nothing lies beyond it. */
  readonly heardMs: number;
}

/** Progress is told in steps of at least that much audio. */
const PROGRESS_STEP_MS = 500;

/** Makes a call's segments from Riva's results, across the streams that the call may need. */
export class TranscriptAssembly {
  private readonly speakers = new SpeakerTags();
  private readonly languages = new Map<string, number>();
  private endMs = 0;
  private toldMs = 0;
  private isPlaceKnown = true;
  private interim: { readonly text: string; readonly position: Position } | undefined;

  constructor(private readonly options: AssemblyOptions) {}

  /**
   * Where a new stream has to begin so that no word is lost or comes twice: the end of the last settled text. undefined when
   * that cannot be told, since the text came without times.
   */
  get settledMs(): number | undefined {
    return this.isPlaceKnown ? this.endMs : undefined;
  }

  /** The language that was detected most; undefined when Riva told of none. */
  get language(): string | undefined {
    const [most] = [...this.languages].sort(([, a], [, b]) => b - a);
    return most?.[0];
  }

  /** Whether tags were asked for and nobody was told apart though there was speech. */
  get lacksSpeakers(): boolean {
    return this.options.diarization && this.endMs > 0 && !this.speakers.toldApart;
  }

  /** A text that stays. */
  settle(alternative: riva.SpeechRecognitionAlternative, position: Position): EngineEvent[] {
    this.interim = undefined;
    const text = tidy(alternative.transcript);
    if (text === '') return this.progress(position.processedMs ?? 0, position.heardMs);
    const isTimed = alternative.words.some(({ endTime }) => endTime > 0);
    const segments = isTimed ? this.timed(alternative, text, position) : [this.untimed(text, position)];
    this.isPlaceKnown &&= isTimed;
    this.noteLanguage(alternative);
    const events = segments.map((segment): EngineEvent => ({ type: 'segment', segment }));
    this.endMs = Math.max(this.endMs, ...segments.map(({ endMs }) => endMs));
    return [...events, ...this.progress(Math.max(this.endMs, position.processedMs ?? 0), position.heardMs)];
  }

  /** Text that may still change: all of the current utterance, in one or more parts. */
  hear(transcripts: readonly string[], position: Position): EngineEvent[] {
    const text = tidy(transcripts.join(''));
    // An empty interim after a full one takes nothing back: some servers send them as heartbeats.
    if (text !== '') this.interim = { text, position };
    const startMs = Math.min(this.endMs, position.heardMs);
    const partial: EngineEvent[] =
      text !== '' && this.options.partialResults ? [{ type: 'partial', text, startMs }] : [];
    return [...partial, ...this.progress(position.processedMs ?? 0, position.heardMs)];
  }

  /** What was heard since the last final is heard again, on a new stream. */
  forgetInterim(): void {
    this.interim = undefined;
  }

  /** At the end of the audio: text that never became final stays, rather than being lost. */
  promoteInterim(): EngineEvent[] {
    if (!this.interim) return [];
    const { text, position } = this.interim;
    return this.settle({ transcript: text, confidence: 0, words: [], languageCode: [] }, position);
  }

  /** All of the audio is done. */
  finish(heardMs: number): EngineEvent[] {
    return heardMs > this.toldMs ? [{ type: 'progress', processedMs: heardMs, stage: 'transcribing' }] : [];
  }

  private timed(
    alternative: riva.SpeechRecognitionAlternative,
    text: string,
    { toAudioMs, heardMs }: Position,
  ): readonly EngineSegment[] {
    const { diarization, wordTimestamps } = this.options;
    const tags = diarization ? this.speakers.number(alternative.words.map((word) => word.speakerTag)) : [];
    let lastMs = this.endMs;
    const words = alternative.words.map((word, index): TimedWord => {
      const startMs = between(lastMs, toAudioMs(word.startTime), heardMs);
      const endMs = between(startMs, toAudioMs(word.endTime), heardMs);
      lastMs = startMs;
      const tag = tags[index];
      return {
        text: tidy(word.word),
        startMs,
        endMs,
        ...(tag !== undefined && { speakerTag: tag }),
        ...this.confidence(word.confidence),
      };
    });
    return segmentsOf({ text, words, ...this.confidence(alternative.confidence) }, wordTimestamps);
  }

  /** Without times of words a text lies between the text before it and what Riva has consumed. */
  private untimed(text: string, { processedMs, heardMs }: Position): EngineSegment {
    const startMs = Math.min(this.endMs, heardMs);
    const endMs = between(startMs, processedMs ?? heardMs, heardMs);
    const speakerTag = this.options.diarization ? this.speakers.current : undefined;
    return {
      startMs,
      endMs,
      text,
      ...(speakerTag !== undefined && { speakerTag }),
      ...(this.options.wordTimestamps && { words: spreadWords(text, startMs, endMs, speakerTag) }),
    };
  }

  /** Scores may be negative, and 0 stands for none. */
  private confidence(score: number): { readonly confidence?: number } {
    return this.options.confidence && score > 0 && score <= 1 ? { confidence: score } : {};
  }

  private progress(doneMs: number, heardMs: number): EngineEvent[] {
    const processedMs = Math.min(doneMs, heardMs);
    if (processedMs < this.toldMs + PROGRESS_STEP_MS) return [];
    this.toldMs = processedMs;
    return [{ type: 'progress', processedMs, stage: 'transcribing' }];
  }

  private noteLanguage({ languageCode, words }: riva.SpeechRecognitionAlternative): void {
    const told = languageCode.length > 0 ? languageCode : words.map((word) => word.languageCode);
    for (const language of told) {
      const tag = detects(language) ? undefined : normalizeLanguage(language);
      if (tag !== undefined) this.languages.set(tag, (this.languages.get(tag) ?? 0) + 1);
    }
  }
}

/** Releases put a space before or after each text; nothing else in a transcript depends on white space. */
function tidy(text: string): string {
  return text.replace(/\s+/gu, ' ').trim();
}

function between(leastMs: number, ms: number, mostMs: number): number {
  return Math.max(leastMs, Math.min(ms, mostMs));
}
