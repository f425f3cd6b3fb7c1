import { setTimeout as delay } from 'node:timers/promises';
import type { EndedCall } from '#contracts';
import { ChangeSignal, createGrpcChannel, createGrpcClient, fromGrpcError, type GrpcTls } from '#grpc';
import { registryV1, toWireEndedCall } from '#protos';
import type { Logger } from '#telemetry';
import { backoffMs, timeLimit } from '#timing';

export interface ReportSenderSettings {
  /** host:port of one registry. */
  readonly registry: string;
  readonly tls: GrpcTls | undefined;
  readonly logger: Logger;
}

/** Successes are told together; a fault is told at once, so that the breaker learns of it before the next call. */
const GATHER_MS = 1_000;
const CALL_DEADLINE_MS = 2_000;
const RETRY = { firstMs: 200, mostMs: 5_000 } as const;
/** What waits while the registry is away: the oldest is dropped. As many go into one message. */
const MAX_WAITING = 1_000;
/** Older news says nothing of how an instance is now. */
const MAX_AGE_MS = 60_000;

interface Waiting {
  readonly call: EndedCall;
  readonly endedMs: number;
}

/** Brings reports to one registry, in the background. */
export class ReportSender {
  private waiting: Waiting[] = [];
  private readonly arrivals = new ChangeSignal();
  private readonly faults = new ChangeSignal();
  private readonly closing = new AbortController();
  private readonly loop: Promise<void>;

  constructor(private readonly settings: ReportSenderSettings) {
    this.loop = this.run();
  }

  /** @param endedMs by the monotonic clock */
  add(call: EndedCall, endedMs: number): void {
    if (this.closing.signal.aborted) return;
    if (this.waiting.length >= MAX_WAITING) this.waiting.shift();
    this.waiting.push({ call, endedMs });
    this.arrivals.notify();
    if (call.error) this.faults.notify();
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.loop;
  }

  private async run(): Promise<void> {
    const { registry, tls, logger } = this.settings;
    const channel = createGrpcChannel(registry, { tls });
    const client = createGrpcClient(registryV1.EngineRegistryServiceDefinition, channel, {
      unaryDeadlineMs: CALL_DEADLINE_MS,
    });
    const { signal } = this.closing;
    let failures = 0;
    let seenFaults = this.faults.revision;
    while (await this.somethingWaits(signal)) {
      if (failures === 0) await this.gather(seenFaults, signal);
      else await pause(backoffMs(failures, RETRY.firstMs, RETRY.mostMs), signal);
      if (isAborted(signal)) break;
      seenFaults = this.faults.revision;
      const batch = this.take();
      try {
        await client.report({ calls: batch.map(toWire) }, { signal });
        failures = 0;
      } catch (thrown) {
        const { code } = fromGrpcError(thrown, { peer: 'dependency', name: 'engine registry', signal });
        failures += 1;
        if (failures === 1) logger.debug({ err: thrown, registry }, 'the engine registry takes no reports');
        // What the registry refuses it would refuse again.
        if (code === 'dependency_unavailable') this.putBack(batch);
      }
    }
    channel.close();
  }

  /** Waits for something to send. @returns false when closed */
  private async somethingWaits(signal: AbortSignal): Promise<boolean> {
    const seen = this.arrivals.revision;
    if (this.waiting.length > 0) return !signal.aborted;
    return (await this.arrivals.after(seen, signal)) && !signal.aborted;
  }

  /** Waits for more to send with it, but not after a fault that is newer than `seenFaults`. */
  private async gather(seenFaults: number, signal: AbortSignal): Promise<void> {
    const time = timeLimit(GATHER_MS, signal);
    await this.faults.after(seenFaults, time.signal);
    time.clear();
  }

  private take(): Waiting[] {
    const oldest = performance.now() - MAX_AGE_MS;
    const batch = this.waiting.filter(({ endedMs }) => endedMs >= oldest);
    this.waiting = [];
    return batch;
  }

  private putBack(batch: readonly Waiting[]): void {
    this.waiting = [...batch, ...this.waiting].slice(-MAX_WAITING);
  }
}

/** Waits, or less long when the signal aborts. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

function toWire({ call, endedMs }: Waiting): registryV1.EndedCall {
  return toWireEndedCall({ ...call, startAgeMs: call.startAgeMs + (performance.now() - endedMs) });
}

/** Asked by a function because it changes while others are awaited, which the compiler does not see. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
