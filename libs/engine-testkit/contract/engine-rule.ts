import type { SpeechEngine } from '#contracts';

/** What the suite needs to know about the engine under test. */
export interface EngineFixtures {
  /** A few seconds of speech in a language of the engine: s16le mono PCM at 16 kHz. */
  readonly speech: Buffer;
  /** Must be found in the text of `speech`. */
  readonly expected: RegExp;
  /** The language of `speech`. */
  readonly language: string;
  /** The backend takes whole files, so the engine has to read the audio to its end before the first event. */
  readonly readsWholeAudio?: boolean;
  /** Audio that the engine and what lies before it may read beyond what was asked for; 3 minutes unless told otherwise. */
  readonly maxLookAheadMs?: number;
}

/** One promise of the SpeechEngine port. */
export interface EngineRule {
  /** A sentence about behaviour. */
  readonly title: string;
  /** Throws when the engine, which has been started, breaks the promise. */
  check(engine: SpeechEngine, fixtures: EngineFixtures): Promise<void>;
}
