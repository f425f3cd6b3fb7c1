import { setTimeout as delay } from 'node:timers/promises';
import {
  type EngineCapabilities,
  type EngineDescription,
  type EngineEvent,
  type EngineHealth,
  type EngineKind,
  type EngineRequest,
  type ErrorCode,
  PolyscribeError,
  SpeechEngine,
  pcmBytesToMs,
} from '#contracts';
import { admitRequest, failIfAborted, readUntilAborted, untilAborted } from '#engine-host';
import { inPhrases, type Phrasebook, segmentOf } from './scripted-segment.js';
import { type HeardSentence, ToneReader } from './tone-reader.js';

/** What a call is to do. */
export type Behaviour =
  /** Answer with what is heard. */
  | { readonly kind: 'work' }
  /** Fail after that many segments. */
  | { readonly kind: 'fail'; readonly code: ErrorCode; readonly afterSegments?: number }
  /** Stop answering after that many segments, until aborted. */
  | { readonly kind: 'hang'; readonly afterSegments?: number }
  /** Send a segment that cannot be. */
  | { readonly kind: 'garbage' }
  /** Hear nothing. */
  | { readonly kind: 'empty' }
  /** Answer with what is heard after more work for each second of speech. */
  | { readonly kind: 'slow'; readonly workMsPerSecond: number };

export interface Script {
  readonly engine?: EngineKind;
  readonly capabilities?: Partial<EngineCapabilities>;
  /** Decides for each call, by its number from 1. */
  readonly behave?: (call: number, request: EngineRequest) => Behaviour;
  /** What is written for a word instead of it. */
  readonly phrasebook?: Phrasebook;
  /** Work for each second of speech; 0 unless told otherwise. */
  readonly workMsPerSecond?: number;
}

/** One call as the engine saw it. */
export interface ScriptedCall {
  readonly request: EngineRequest;
  state: 'running' | 'done' | 'failed' | 'aborted';
  segments: number;
  heardMs: number;
}

const allCapabilities: EngineCapabilities = {
  languages: ['en', 'de'],
  models: ['scripted-large', 'scripted-small'],
  defaultModel: 'scripted-large',
  languageDetection: true,
  wordTimestamps: true,
  diarization: true,
  phraseBoosting: true,
  partialResults: true,
  translation: true,
  confidence: true,
  punctuationControl: true,
  profanityFilter: true,
  verbatim: true,
  options: [{ name: '*', description: 'Whatever a test sends.', type: 'text' }],
  maxAudioMs: undefined,
  maxConcurrency: 8,
};

/**
 * An engine for tests: what it hears follows from the audio alone (see `scriptedSpeech`), what else it does from a script.
 * It records its calls, so that tests count instead of guessing.
 */
export class ScriptedEngine extends SpeechEngine {
  readonly calls: ScriptedCall[] = [];
  health: EngineHealth = { state: 'serving', reason: '' };
  starts = 0;
  stops = 0;

  constructor(readonly script: Script = {}) {
    super();
  }

  override describe(): EngineDescription {
    return {
      engine: this.script.engine ?? 'local',
      capabilities: { ...allCapabilities, ...this.script.capabilities },
      health: this.health,
      backendUri: '',
      version: 'scripted',
    };
  }

  override start(): Promise<void> {
    this.starts += 1;
    return Promise.resolve();
  }

  override stop(): Promise<void> {
    this.stops += 1;
    return Promise.resolve();
  }

  override async *transcribe(
    request: EngineRequest,
    audio: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): AsyncGenerator<EngineEvent, void> {
    const call: ScriptedCall = { request, state: 'running', segments: 0, heardMs: 0 };
    this.calls.push(call);
    try {
      yield* this.run(call, audio, signal);
      call.state = 'done';
    } catch (error) {
      call.state = signal.aborted ? 'aborted' : 'failed';
      throw error;
    } finally {
      // A consumer that left early ends here without an error.
      if (call.state === 'running') call.state = 'aborted';
    }
  }

  private async *run(
    call: ScriptedCall,
    audio: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): AsyncGenerator<EngineEvent, void> {
    failIfAborted(signal);
    const { request, model, warnings } = admitRequest(call.request, this.describe().capabilities);
    for (const warning of warnings) yield { type: 'warning', warning };
    const behaviour = this.script.behave?.(this.calls.length, call.request) ?? { kind: 'work' };
    const speakers = new Map<string, number>();
    const reader = new ToneReader();
    for await (const chunk of readUntilAborted(audio, signal)) {
      const sentences = reader.push(chunk);
      call.heardMs = pcmBytesToMs(reader.heardBytes);
      for (const sentence of sentences) yield* this.say(sentence, call, request, behaviour, speakers, signal);
      yield { type: 'progress', processedMs: call.heardMs, stage: 'transcribing' };
    }
    const last = reader.end();
    if (last) yield* this.say(last, call, request, behaviour, speakers, signal);
    await misbehave(behaviour, call.segments, Infinity, signal);
    yield { type: 'summary', language: request.language ?? 'en', model, audioMs: call.heardMs };
  }

  private async *say(
    sentence: HeardSentence,
    call: ScriptedCall,
    request: EngineRequest,
    behaviour: Behaviour,
    speakers: Map<string, number>,
    signal: AbortSignal,
  ): AsyncGenerator<EngineEvent, void> {
    if (behaviour.kind === 'empty') return;
    await misbehave(behaviour, call.segments, call.segments, signal);
    const heard = inPhrases(sentence, this.script.phrasebook ?? {});
    const segment = segmentOf(heard, call.heardMs, request, this.describe().capabilities, speakers);
    const perSecond = behaviour.kind === 'slow' ? behaviour.workMsPerSecond : (this.script.workMsPerSecond ?? 0);
    const workMs = ((segment.endMs - segment.startMs) / 1000) * perSecond;
    if (workMs > 0) await untilAborted(delay(workMs, undefined, { signal }), signal);
    if (request.partialResults) {
      yield { type: 'partial', text: segment.text.split(' ')[0] ?? '', startMs: segment.startMs };
    }
    call.segments += 1;
    const isGarbage = behaviour.kind === 'garbage';
    yield { type: 'segment', segment: isGarbage ? { ...segment, endMs: segment.startMs - 1 } : segment };
  }
}

/** Fails or hangs when its time has come; `reached` is Infinity at the end of the audio, where no segment is left. */
async function misbehave(behaviour: Behaviour, said: number, reached: number, signal: AbortSignal): Promise<void> {
  if (behaviour.kind !== 'fail' && behaviour.kind !== 'hang') return;
  const after = behaviour.afterSegments ?? 0;
  if (said < after && reached !== Infinity) return;
  if (behaviour.kind === 'fail') throw new PolyscribeError(behaviour.code, 'The script says so.');
  await untilAborted(new Promise<never>(() => undefined), signal);
}
