import type { RivaSettings } from '#config';
import type { EngineHealth } from '#contracts';
import { type GrpcClient, createGrpcChannel, createGrpcClient } from '#grpc';
import { healthV1, riva } from '#protos';
import type { Logger } from '#telemetry';
import { ClientError, Metadata, Status } from 'nice-grpc';
import { type FailureKind, type RivaFailure, rivaFailure } from './riva-errors.js';
import { type RivaModel, assumedModels, readModels } from './riva-models.js';

export type RivaClient = GrpcClient<riva.RivaSpeechRecognitionDefinition>;

/** A probe may take that long. */
const PROBE_DEADLINE_MS = 2_000;
/** Between probes, of a backend that serves and of one that does not; up to half of it less, by chance. */
const intervals = {
  own: { servingMs: 2_000, awayMs: 1_000 },
  /** Calls of a hosted function count, and may start a container. */
  hosted: { servingMs: 30_000, awayMs: 5_000 },
} as const;
/** What is deployed is asked again after that long, also while nothing went wrong. */
const MODELS_MAX_AGE_MS = 60_000;
/** A backend whose calls fail for a reason that no probe sees is left alone for that long. */
const CONDEMNED_MS = 30_000;
/** After a broken call others are taken for that long, where there are others. */
const SUSPECT_MS = 2_000;
/** Servers that are not ours count pings; five minutes is what gRPC allows by default. */
const KEEPALIVE_MS = 310_000;
/** One probe may be late because the backend is at work. */
const LATE_PROBES = 2;

const condemning: readonly FailureKind[] = ['no_speech_recognition', 'credentials', 'no_function'];

/** One Riva server: its connection, what it has, and whether it is well. */
export class RivaBackend {
  readonly client: RivaClient;
  /** With every call: who we are, where the backend is hosted. */
  readonly metadata: Metadata;
  inFlight = 0;
  private readonly healthClient: GrpcClient<typeof healthV1.HealthDefinition>;
  private readonly closeChannel: () => void;
  private readonly stopping = new AbortController();
  private known: readonly RivaModel[] = [];
  private knownSince = -Infinity;
  private state: EngineHealth = { state: 'starting', reason: 'it has not answered yet' };
  private condemned: { readonly reason: string; readonly untilMs: number } | undefined;
  private suspectUntilMs = -Infinity;
  private lateProbes = 0;
  private wake: (() => void) | undefined;
  /** Set while a probe may come early. */
  private hurry: (() => void) | undefined;
  private loop: Promise<void> | undefined;

  constructor(
    readonly address: string,
    private readonly settings: RivaSettings,
    private readonly logger: Logger,
  ) {
    const channel = createGrpcChannel(address, {
      tls: settings.tls,
      maxReceiveBytes: settings.maxMessageBytes,
      keepaliveMs: KEEPALIVE_MS,
    });
    this.closeChannel = () => channel.close();
    const deadlines = { unaryDeadlineMs: PROBE_DEADLINE_MS };
    this.client = createGrpcClient(riva.RivaSpeechRecognitionDefinition, channel, deadlines);
    this.healthClient = createGrpcClient(healthV1.HealthDefinition, channel, deadlines);
    this.metadata = Metadata();
    if (settings.functionId !== undefined) this.metadata.set('function-id', settings.functionId);
    if (settings.apiKey !== undefined) this.metadata.set('authorization', `Bearer ${settings.apiKey}`);
  }

  get health(): EngineHealth {
    return this.condemned ? { state: 'unavailable', reason: this.condemned.reason } : this.state;
  }

  get isServing(): boolean {
    return this.health.state === 'serving';
  }

  /** What it has, or had when it last answered. */
  get models(): readonly RivaModel[] {
    return this.known;
  }

  /** Resolves after the first probe, however it ended. */
  async start(): Promise<void> {
    await this.probe();
    this.loop = this.watch();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.wake?.();
    await this.loop;
    this.closeChannel();
  }

  /** Whether a call has just broken on it: others are better, until a probe has looked. */
  get isSuspect(): boolean {
    return performance.now() < this.suspectUntilMs;
  }

  /** A call failed: the next probe comes at once, and looks whether it was the call's own bad luck. */
  noteFailure({ kind, error }: RivaFailure, requestId: string): void {
    // The server's own words are in the cause; nobody else gets to see them.
    this.logger.warn({ backend: this.address, kind, requestId, err: error }, 'a call to Riva failed');
    const reason = error.message;
    if (condemning.includes(kind)) this.condemned = { reason, untilMs: performance.now() + CONDEMNED_MS };
    if (kind === 'unreachable' || kind === 'broken_off') this.suspectUntilMs = performance.now() + SUSPECT_MS;
    if (kind === 'unavailable_model') this.knownSince = -Infinity;
    this.hurry?.();
  }

  private async watch(): Promise<void> {
    const { servingMs, awayMs } = this.settings.functionId === undefined ? intervals.own : intervals.hosted;
    while (!this.isStopping()) {
      const waiting = this.pause((this.isServing ? servingMs : awayMs) * (1 - Math.random() / 2));
      this.hurry = this.wake;
      const isHurried = await waiting;
      this.hurry = undefined;
      // A crash is told by every call that it ends; the probes after them must not become a storm.
      if (isHurried && !this.isStopping()) await this.pause(awayMs / 4);
      await this.probe();
    }
  }

  /** Resolves with false when the time is over, with true when `wake` is called before. */
  private pause(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  private async probe(): Promise<void> {
    if (this.isStopping()) return;
    if (this.condemned && performance.now() >= this.condemned.untilMs) this.condemned = undefined;
    try {
      const isReady = await this.asksHealth();
      const isStale = performance.now() - this.knownSince > MODELS_MAX_AGE_MS;
      // Ready does not mean that models are there: after a restart they are asked for anew.
      if (isReady && (isStale || this.state.state !== 'serving')) await this.readModels();
      this.lateProbes = 0;
      if (!isReady) this.away('it says that it is not serving; its models may be loading');
      else if (this.known.length === 0) this.away('it has no speech recognition models loaded');
      else this.set({ state: 'serving', reason: '' });
    } catch (thrown) {
      if (this.isStopping()) return;
      const { kind, error } = rivaFailure(thrown, this.address);
      this.lateProbes = kind === 'late' ? this.lateProbes + 1 : 0;
      if (kind !== 'late' || this.lateProbes >= LATE_PROBES || this.state.state !== 'serving') {
        this.away(error.message.replace(/\.$/, ''), error);
      }
    }
  }

  /** By grpc.health.v1 where it is served; where it is not, the configuration alone decides. */
  private async asksHealth(): Promise<boolean> {
    const { signal } = this.stopping;
    try {
      const { status } = await this.healthClient.check({ service: '' }, { metadata: this.metadata, signal });
      return status === healthV1.HealthCheckResponse_ServingStatus.SERVING;
    } catch (thrown) {
      if (!isStatus(thrown, Status.UNIMPLEMENTED, Status.NOT_FOUND)) throw thrown;
      this.knownSince = -Infinity;
      return true;
    }
  }

  private async readModels(): Promise<void> {
    const { signal } = this.stopping;
    try {
      const answer = await this.client.getRivaSpeechRecognitionConfig({}, { metadata: this.metadata, signal });
      this.known = readModels(answer);
    } catch (thrown) {
      if (!isStatus(thrown, Status.UNIMPLEMENTED)) throw thrown;
      this.known = assumedModels(this.settings);
    }
    this.knownSince = performance.now();
  }

  private isStopping(): boolean {
    return this.stopping.signal.aborted;
  }

  private away(reason: string, err?: unknown): void {
    // What comes back may be another server: what calls met on this one says nothing about it.
    this.condemned = undefined;
    this.set({ state: 'unavailable', reason }, err);
  }

  private set(next: EngineHealth, err?: unknown): void {
    if (next.state !== this.state.state) {
      this.logger.info({ backend: this.address, ...next, ...(err !== undefined && { err }) }, 'Riva backend');
    }
    this.state = next;
  }
}

function isStatus(thrown: unknown, ...codes: readonly Status[]): boolean {
  return thrown instanceof ClientError && codes.includes(thrown.code);
}
