import { EngineEventGuard, type EngineDescription, PolyscribeError, type SpeechEngine } from '#contracts';
import type { GrpcCallContext } from '#grpc';
import { type EngineLoad, type engineV1, fromWireConfig, toWireDescription, toWireEvent } from '#protos';
import type { CallMetrics } from './call-metrics.js';
import { EngineCall } from './engine-call.js';
import { IncomingAudio } from './incoming-audio.js';
import { SpeedMeter } from './speed-meter.js';

export interface EngineCallLimits {
  /** A call that lasts longer fails with `engine_timeout`. */
  readonly callMs: number;
  /** A client that sends nothing for so long, and does not end the audio either, loses its call. */
  readonly idleMs: number;
}

/** polyscribe.engine.v1.EngineService over any SpeechEngine: admission, deadlines, and a check of what the engine says. */
export class EngineGrpcService implements engineV1.EngineServiceImplementation {
  private readonly meter = new SpeedMeter();
  private inFlight = 0;
  private isDraining = false;

  /** @param loadChanged called when a call begins or ends */
  constructor(
    private readonly engine: SpeechEngine,
    private readonly limits: EngineCallLimits,
    private readonly loadChanged: () => void,
    private readonly metrics: CallMetrics,
  ) {}

  get load(): EngineLoad {
    return { inFlight: this.takenPlaces, speed: this.meter.speed };
  }

  /** The engine's own description, or that it is draining. */
  get description(): EngineDescription {
    const description = this.engine.describe();
    return this.isDraining
      ? { ...description, health: { state: 'draining', reason: 'The instance is being stopped.' } }
      : description;
  }

  /** Takes no new calls from now on. */
  drain(): void {
    this.isDraining = true;
  }

  describe(): Promise<engineV1.DescribeResponse> {
    return Promise.resolve({ description: toWireDescription(this.description) });
  }

  async *transcribe(
    requests: AsyncIterable<engineV1.TranscribeRequest>,
    context: GrpcCallContext,
  ): AsyncGenerator<engineV1.TranscribeResponse, void> {
    this.admit();
    const ended = this.occupySlot();
    const call = new EngineCall(context.signal, this.limits.callMs);
    const audio = new IncomingAudio(requests, call, this.limits.idleMs);
    const measured = this.metrics.begin();
    const begunMs = performance.now();
    let heldUpMs = 0;
    try {
      const request = fromWireConfig(await audio.config());
      const named = request.requestId === '' ? { ...request, requestId: context.requestId } : request;
      const guard = new EngineEventGuard();
      const events = this.engine.transcribe(named, audio.chunks(), call.signal);
      for await (const event of call.events(events, ended)) {
        guard.accept(event, audio.heardMs);
        const yieldedMs = performance.now();
        yield toWireEvent(event);
        heldUpMs += performance.now() - yieldedMs;
      }
      guard.end();
      this.meter.measure(audio.heardMs, performance.now() - begunMs - heldUpMs, audio.waitedMs);
      measured.succeeded();
    } catch (error) {
      measured.failed(error);
      throw error;
    } finally {
      measured.ended(audio.heardMs);
      call.close();
      if (!call.reachedEngine) ended();
    }
  }

  private get takenPlaces(): number {
    return this.inFlight + this.engine.countHeldPlaces();
  }

  private admit(): void {
    if (this.isDraining) throw new PolyscribeError('engine_unavailable', 'This engine instance is being stopped.');
    if (this.takenPlaces >= this.engine.describe().capabilities.maxConcurrency) {
      throw new PolyscribeError('engine_busy', 'This engine instance serves as many calls as it can.', {
        retryAfterMs: 1_000,
      });
    }
  }

  /** @returns frees the slot; to be called once */
  private occupySlot(): () => void {
    this.inFlight += 1;
    this.loadChanged();
    return () => {
      this.inFlight -= 1;
      this.loadChanged();
    };
  }
}
