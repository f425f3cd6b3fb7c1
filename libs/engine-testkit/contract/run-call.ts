import {
  type EngineCapabilities,
  type EngineEvent,
  type EngineRequest,
  type EngineSegment,
  type SpeechEngine,
  PolyscribeError,
} from '#contracts';
import { CountedAudio } from '../counted-audio.js';
import type { EngineFixtures } from './engine-rule.js';

/** Twice the 500 ms that the port gives an engine to stop, and room for a busy machine. */
export const ABORT_DEADLINE_MS = 3_000;

/** A whole call may take that long before the suite calls it hung. */
const CALL_DEADLINE_MS = 60_000;

export interface CallOutcome {
  readonly events: readonly EngineEvent[];
  readonly segments: readonly EngineSegment[];
  readonly text: string;
  readonly error: unknown;
}

/** A request in the language of the fixtures that asks for nothing special. */
export function plainRequest(fixtures: EngineFixtures, wishes: Partial<EngineRequest> = {}): EngineRequest {
  return {
    requestId: 'contract',
    language: fixtures.language,
    task: 'transcribe',
    wordTimestamps: false,
    phrases: [],
    profile: 'balanced',
    engineOptions: {},
    partialResults: false,
    onUnsupported: 'refuse',
    ...wishes,
  };
}

/** Runs a call to its end and gathers what came of it; an error is an outcome like another. */
export async function outcomeOf(
  engine: SpeechEngine,
  request: EngineRequest,
  audio: AsyncIterable<Uint8Array>,
  signal: AbortSignal = new AbortController().signal,
): Promise<CallOutcome> {
  const events: EngineEvent[] = [];
  let error: unknown;
  const run = async (): Promise<void> => {
    for await (const event of engine.transcribe(request, audio, signal)) events.push(event);
  };
  try {
    await within(CALL_DEADLINE_MS, 'the call', run());
  } catch (thrown) {
    error = thrown;
  }
  const segments = events.flatMap((event) => (event.type === 'segment' ? [event.segment] : []));
  return { events, segments, text: segments.map((segment) => segment.text).join(' '), error };
}

/** The outcome of a call that has to go well. */
export async function wellDone(
  engine: SpeechEngine,
  fixtures: EngineFixtures,
  wishes: Partial<EngineRequest> = {},
  audio: CountedAudio = new CountedAudio({ pcm: fixtures.speech }),
): Promise<CallOutcome> {
  const outcome = await outcomeOf(engine, plainRequest(fixtures, wishes), audio);
  if (outcome.error !== undefined) throw new Error('The call failed.', { cause: outcome.error });
  return outcome;
}

export function capabilitiesOf(engine: SpeechEngine): EngineCapabilities {
  return engine.describe().capabilities;
}

export function demand(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

export function demandCode(error: unknown, code: string): void {
  const actual = error instanceof PolyscribeError ? error.code : String(error);
  demand(actual === code, `Expected ${code}, but it was ${error === undefined ? 'no error' : actual}.`);
}

/** @throws Error that names what took too long */
export async function within<T>(deadlineMs: number, what: string, pending: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${String(deadlineMs)} ms.`)), deadlineMs);
  });
  try {
    return await Promise.race([pending, late]);
  } finally {
    clearTimeout(timer);
  }
}
