import type { EngineEvent, EngineRequest, EngineSegment, TranscriptWarning } from '#contracts';
import { CountedAudio, scriptedFixtures } from '#engine-testkit';
import { createLogger } from '#telemetry';
import { WhisperxEngine, type WhisperxEngineOptions } from '../whisperx-engine.js';

/** An engine for one server, with the defaults of the configuration. */
export function engineFor(
  url: string,
  changes: Partial<WhisperxEngineOptions> = {},
  loadingMs?: number,
): WhisperxEngine {
  const options: WhisperxEngineOptions = {
    url,
    dialect: 'auto',
    apiKey: undefined,
    availableModels: undefined,
    defaultModel: 'base',
    timeoutMs: 60_000,
    concurrency: undefined,
    logger: createLogger('test', 'silent'),
    ...changes,
  };
  return new WhisperxEngine(options, loadingMs);
}

/** Three sentences by two voices: five seconds. */
export const speech = scriptedFixtures.speech;

export const plainRequest: EngineRequest = {
  requestId: 'test',
  language: 'en',
  task: 'transcribe',
  wordTimestamps: false,
  phrases: [],
  profile: 'balanced',
  engineOptions: {},
  partialResults: false,
  onUnsupported: 'refuse',
};

export interface Outcome {
  readonly events: readonly EngineEvent[];
  readonly segments: readonly EngineSegment[];
  readonly warnings: readonly TranscriptWarning[];
  readonly text: string;
  readonly summary: Extract<EngineEvent, { type: 'summary' }> | undefined;
}

/** What a test asks for; `detect` as the language leaves it out. */
export type Wishes = Partial<EngineRequest>;

/** Runs a call to its end. @throws what the call throws */
export async function run(
  engine: WhisperxEngine,
  wishes: Wishes = {},
  pcm: Buffer = speech,
  signal: AbortSignal = new AbortController().signal,
): Promise<Outcome> {
  const events: EngineEvent[] = [];
  const audio = new CountedAudio({ pcm });
  const { language, ...request } = { ...plainRequest, ...wishes };
  const asked = language === 'detect' ? request : { ...request, language: language ?? 'en' };
  for await (const event of engine.transcribe(asked, audio, signal)) events.push(event);
  const segments = events.flatMap((event) => (event.type === 'segment' ? [event.segment] : []));
  return {
    events,
    segments,
    warnings: events.flatMap((event) => (event.type === 'warning' ? [event.warning] : [])),
    text: segments.map(({ text }) => text).join(' '),
    summary: events.find((event) => event.type === 'summary'),
  };
}
