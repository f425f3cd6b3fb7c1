import { loadConfig } from '#config';
import type { EngineEvent, EngineRequest, EngineSegment, TranscriptWarning } from '#contracts';
import { createLogger } from '#telemetry';
import { eventually } from '#testing';
import { type RivaScript, type RivaSimulator, type RivaSimulatorOptions, startRivaSimulator } from '#riva-simulator';
import type { CallTiming } from '../attempt.js';
import { RivaEngine } from '../riva-engine.js';

const logger = createLogger('test', 'silent');

export interface SimulatedRiva {
  readonly simulator: RivaSimulator;
  readonly engine: RivaEngine;
  stop(): Promise<void>;
}

export interface SimulatedRivaOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly server?: RivaSimulatorOptions;
  readonly timing?: Partial<CallTiming>;
}

/** An adapter whose variables are these. */
export function rivaEngine(env: Readonly<Record<string, string>>, timing: Partial<CallTiming> = {}): RivaEngine {
  const { riva } = loadConfig(env);
  if (!riva) throw new Error('This test sets no RIVA_URI.');
  return new RivaEngine({ settings: riva, logger, timing });
}

/** A simulator that follows the script, and an adapter that has been started on it. */
export async function simulatedRiva(
  script: RivaScript = {},
  { env = {}, server, timing }: SimulatedRivaOptions = {},
): Promise<SimulatedRiva> {
  const simulator = await startRivaSimulator(script, server);
  const engine = rivaEngine({ RIVA_URI: simulator.address, ...env }, timing);
  await engine.start();
  // On a busy machine the first look may come to nothing.
  await eventually(
    'the simulator to answer in time',
    () => !engine.describe().health.reason.includes('in time'),
    30_000,
  );
  return {
    simulator,
    engine,
    async stop() {
      await engine.stop();
      await simulator.stop();
    },
  };
}

export function engineRequest(wishes: Partial<EngineRequest> = {}): EngineRequest {
  return {
    requestId: 'test',
    language: 'en',
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

export interface Outcome {
  readonly events: readonly EngineEvent[];
  readonly segments: readonly EngineSegment[];
  readonly texts: readonly string[];
  readonly warnings: readonly TranscriptWarning[];
  readonly summary: Extract<EngineEvent, { type: 'summary' }> | undefined;
}

/** Runs a call to its end. @throws what the call throws */
export async function transcribed(
  engine: RivaEngine,
  audio: Buffer | AsyncIterable<Uint8Array>,
  wishes: Partial<EngineRequest> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<Outcome> {
  const events: EngineEvent[] = [];
  const source = Buffer.isBuffer(audio) ? inChunks(audio) : audio;
  for await (const event of engine.transcribe(engineRequest(wishes), source, signal)) events.push(event);
  const segments = events.flatMap((event) => (event.type === 'segment' ? [event.segment] : []));
  return {
    events,
    segments,
    texts: segments.map(({ text }) => text),
    warnings: events.flatMap((event) => (event.type === 'warning' ? [event.warning] : [])),
    summary: events.find((event) => event.type === 'summary'),
  };
}

/** PCM in chunks of 100 ms. */
export async function* inChunks(pcm: Buffer, chunkBytes = 3_200): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < pcm.length; at += chunkBytes) yield await Promise.resolve(pcm.subarray(at, at + chunkBytes));
}
