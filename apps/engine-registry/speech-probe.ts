import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  type EngineCapabilities,
  type EngineInstance,
  type EngineRequest,
  languageMatches,
  pcmBytesToMs,
  PolyscribeError,
} from '#contracts';
import { RemoteEngine } from '#engine-client';
import type { GrpcTls } from '#grpc';
import type { ProbeOutcome } from './breaker.js';

export interface ProbeSettings {
  /** English speech, s16le mono PCM at 16 kHz; short, as a GPU has better things to do. */
  readonly speech: Uint8Array;
  /** A probe that takes longer has failed. */
  readonly deadlineMs: number;
}

/**
 * A good second and a half in which Flite 2.2 (voice slt) says "Good morning, doctor." An engine that works needs far less
 * than the deadline, also on a busy machine and with a model to load first.
 */
export const defaultProbeSettings: ProbeSettings = {
  speech: readFileSync(new URL('./probe-speech.pcm', import.meta.url)),
  deadlineMs: 30_000,
};

/** An engine writes its messages; they are for operators and sent to every watcher. */
const MAX_REASON_LENGTH = 300;

/** Asks an instance to transcribe a second of speech, as a worker would. */
export class SpeechProbe {
  constructor(
    private readonly settings: ProbeSettings,
    private readonly tls?: GrpcTls,
  ) {}

  /** Never throws: what goes wrong is the outcome. */
  async run({ address, description }: EngineInstance, signal: AbortSignal): Promise<ProbeOutcome> {
    // Probes are rare; a connection of its own says as much of the network as of the engine.
    const engine = new RemoteEngine(this.tls);
    const { capabilities } = description;
    try {
      const request = probeRequest(capabilities, pcmBytesToMs(this.settings.speech.length));
      const limits = { deadlineMs: this.settings.deadlineMs };
      let hasText = false;
      for await (const event of engine.transcribe(address, request, chunks(this.settings.speech), signal, limits)) {
        hasText ||= event.type === 'segment';
      }
      if (hasText || !understands(capabilities)) return { kind: 'success' };
      return { kind: 'failure', reason: 'no text for a second of speech' };
    } catch (thrown) {
      return outcomeOf(PolyscribeError.from(thrown));
    } finally {
      engine.close();
    }
  }
}

function outcomeOf({ code, message, row }: PolyscribeError): ProbeOutcome {
  // Full, or we are stopping: nothing was learnt.
  if (row.retry === 'later' || code === 'cancelled') return { kind: 'inconclusive' };
  // To be told what is wrong with the request is an answer, and so a sign of life.
  if (row.retry === 'never') return { kind: 'success' };
  return { kind: 'failure', reason: `${code}: ${message.slice(0, MAX_REASON_LENGTH)}` };
}

/** Whether it can be held to a text for English speech. */
function understands({ languages, languageDetection }: EngineCapabilities): boolean {
  return languageDetection || languages.some((language) => languageMatches(language, 'en'));
}

function probeRequest(capabilities: EngineCapabilities, audioMs: number): EngineRequest {
  const { languages } = capabilities;
  const english = languages.some((language) => languageMatches(language, 'en'));
  const language = english ? 'en' : languages[0];
  return {
    requestId: `probe-${randomUUID()}`,
    ...(language !== undefined && (english || !capabilities.languageDetection) && { language }),
    task: 'transcribe',
    wordTimestamps: false,
    phrases: [],
    profile: 'fast',
    engineOptions: {},
    partialResults: false,
    audioMs,
    onUnsupported: 'warn',
  };
}

async function* chunks(speech: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(speech);
}
