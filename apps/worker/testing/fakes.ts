import { randomUUID } from 'node:crypto';
import {
  type EngineEvent,
  type EngineInstance,
  type EngineRequest,
  type FailedAttempt,
  type Job,
  type JobEventBody,
  type JobOptions,
  type RegistrySnapshot,
  type TranscriptSegment,
} from '#contracts';
import { defaultRouting, routingRequestOf } from '#routing';
import { Metrics } from '#telemetry';
import type { EngineCaller } from '../engine-call.js';
import { mayMix } from '../engine-mix.js';
import { EngineDirectory, type SnapshotSource } from '../engine-directory.js';
import type { JobLedger, JobRun, SpanResult, SpanWork } from '../job-run.js';
import { type Settlement, SpanJoints } from '../span-joints.js';
import { ProgressReporter } from '../progress-reporter.js';
import { WorkerMetrics } from '../worker-metrics.js';
import type { WorkerSettings } from '../worker-settings.js';

/** Metrics that nobody reads. */
export function unread(): WorkerMetrics {
  return new WorkerMetrics(new Metrics());
}

/** Settings for tests: everything that is waited for comes soon. */
export function quickSettings(changes: Partial<WorkerSettings> = {}): WorkerSettings {
  return {
    maxConcurrency: 2,
    jobTimeoutMs: 60_000,
    leaseMs: 10_000,
    renewEveryMs: 50,
    graceMs: 200,
    // The product's own: a busy machine's database takes seconds at times.
    settleMs: 5_000,
    engineWaitMs: 5_000,
    engineWaitPauseMs: 20,
    lookAgainMs: 100,
    keepPlaceMs: 1_000,
    busyWaitMs: 86_400_000,
    sameEngineWaitMs: 100,
    fullProbeMs: 20,
    lastResortAfterMs: 100,
    lastResortPause: { firstMs: 10, maxMs: 50 },
    routing: defaultRouting,
    hedge: false,
    heldPcmBytes: 64_000_000,
    hopelessWaitMs: 100,
    callBaseMs: 5_000,
    callMsPerAudioMs: 2,
    callFloorMs: 5_000,
    unavailableTries: 4,
    retry: { firstMs: 10, maxMs: 50 },
    jobRetry: { firstMs: 20, maxMs: 100 },
    reconcileEveryMs: 200,
    reconcileIdleMs: 200,
    unqueuedAfterMs: 0,
    sweepEveryMs: 60_000,
    mediaTtlMs: 60_000,
    orphanAgeMs: 60_000,
    expireEveryMs: 3_600_000,
    eventTtlMs: 3_600_000,
    remote: { everyMs: 20, offerMs: 60_000 },
    webhooks: {
      everyMs: 20,
      retryMs: [5, 5, 5, 5, 5],
      answerMs: 1_000,
      leaseMs: 10_000,
      callbackSecret: undefined,
      publicUrl: undefined,
      reportBase: 'https://speech.example',
      reportLimits: { leaseMs: 60_000, jobTimeoutMs: 600_000 },
    },
    ...changes,
  };
}

export function optionsWith(changes: Partial<JobOptions> = {}): JobOptions {
  return {
    engine: 'auto',
    language: 'en',
    task: 'transcribe',
    profile: 'balanced',
    enableDiarization: false,
    wordTimestamps: false,
    separateChannels: false,
    onUnsupported: 'refuse',
    allowFallback: true,
    priority: 5,
    tags: [],
    ...changes,
  };
}

export function jobWith(options: Partial<JobOptions> = {}): Job {
  return {
    id: randomUUID(),
    transcriptId: randomUUID(),
    status: 'processing',
    progress: 0,
    stage: '',
    message: '',
    options: optionsWith(options),
    filename: 'x.wav',
    media: { key: 'media/x', filename: 'x.wav', bytes: 1, sha256: '0'.repeat(64), mediaType: 'audio/wav' },
    attempts: 1,
    revision: 1,
    createdAt: new Date(),
    stages: [],
  };
}

/** A registry whose news the test makes. */
export class FakeRegistry implements SnapshotSource {
  private readonly listeners = new Set<() => void>();
  private current: RegistrySnapshot;

  constructor(...instances: readonly EngineInstance[]) {
    this.current = { instances, revision: 1 };
  }

  snapshot(): RegistrySnapshot {
    return this.current;
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  set(...instances: readonly EngineInstance[]): void {
    this.current = { instances, revision: this.current.revision + 1 };
    for (const listener of this.listeners) listener();
  }
}

/** What an engine does with one call: each item is an event to send or an error to throw. */
export type Script = (
  request: EngineRequest,
  signal: AbortSignal,
) => AsyncIterable<EngineEvent> | Iterable<EngineEvent | Error>;

/** An engine that speaks while it hears. */
export interface Listener {
  hear(request: EngineRequest, audio: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncIterable<EngineEvent>;
}

/** Engines that do what the test says; most read the audio first. */
export class FakeEngines implements EngineCaller {
  /** Addresses in the order in which they were called. */
  readonly calls: string[] = [];
  readonly requests: EngineRequest[] = [];
  /** Calls in progress, and the most there were. */
  inProgress = 0;
  most = 0;

  constructor(private readonly scripts: Readonly<Record<string, Script | Listener>>) {}

  async *transcribe(
    address: string,
    request: EngineRequest,
    audio: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): AsyncIterable<EngineEvent> {
    this.calls.push(address);
    this.requests.push(request);
    this.inProgress += 1;
    this.most = Math.max(this.most, this.inProgress);
    const script = this.scripts[address];
    try {
      if (typeof script === 'object') {
        yield* script.hear(request, audio, signal);
        return;
      }
      let bytes = 0;
      for await (const chunk of audio) bytes += chunk.length;
      if (bytes < 0) return;
      for await (const step of script?.(request, signal) ?? []) {
        if (step instanceof Error) throw step;
        yield step;
      }
    } finally {
      this.inProgress -= 1;
    }
  }
}

export function segmentEvent(startMs: number, endMs: number, text: string): EngineEvent {
  return { type: 'segment', segment: { startMs, endMs, text } };
}

export function summaryEvent(model = 'model', language = 'en'): EngineEvent {
  return { type: 'summary', language, model, audioMs: 1000 };
}

/** Keeps what would be in the database. */
export class FakeLedger implements JobLedger {
  readonly started: string[] = [];
  readonly failed: FailedAttempt[] = [];
  readonly committed = new Map<
    number,
    { readonly result: SpanResult; readonly segments: readonly TranscriptSegment[] }
  >();

  planSpan(): void {
    return undefined;
  }

  settlePlans(): Promise<void> {
    return Promise.resolve();
  }

  startSpan(index: number, by: { readonly instance: string }): Promise<void> {
    this.started.push(`${index} ${by.instance}`);
    return Promise.resolve();
  }

  recordFailedAttempt(attempt: FailedAttempt): Promise<void> {
    this.failed.push(attempt);
    return Promise.resolve();
  }

  commitSpan(result: SpanResult, { segments, neighbours }: Omit<Settlement, 'final'>): Promise<void> {
    this.committed.set(result.index, { result, segments });
    for (const neighbour of neighbours) {
      const before = this.committed.get(neighbour.index);
      if (before) this.committed.set(neighbour.index, { ...before, segments: neighbour.segments });
    }
    return Promise.resolve();
  }

  segmentsOf(spans: readonly number[]): Promise<TranscriptSegment[]> {
    return Promise.resolve(spans.flatMap((index) => this.committed.get(index)?.segments ?? []));
  }
}

export interface FakeRun extends JobRun {
  readonly ledger: FakeLedger;
  readonly published: JobEventBody[];
}

export function fakeRun(options: Partial<JobOptions> = {}): FakeRun {
  const job = jobWith(options);
  const published: JobEventBody[] = [];
  const quiet = { save: () => Promise.resolve(), publish: () => Promise.resolve() };
  return {
    job,
    routing: routingRequestOf(job.options),
    ledger: new FakeLedger(),
    published,
    events: {
      add: (event) => {
        published.push(event);
        return Promise.resolve();
      },
      drain: () => Promise.resolve(),
    },
    progress: new ProgressReporter(job.id, quiet),
    joints: new SpanJoints(1),
    mixesEngines: mayMix(job.options),
    engine: undefined,
  };
}

/** One second of silence as span number `index`. */
export function spanWork(index = 0, changes: Partial<SpanWork> = {}): SpanWork {
  return {
    index,
    startMs: index * 1000,
    endMs: (index + 1) * 1000,
    channelCount: 1,
    lengthMs: 1000,
    heldBytes: 32_000,
    begun: false,
    async *audio() {
      yield await Promise.resolve(Buffer.alloc(32_000));
    },
    ...changes,
  };
}

export function directoryOf(registry: FakeRegistry): EngineDirectory {
  return new EngineDirectory(registry, quickSettings().lastResortPause);
}
