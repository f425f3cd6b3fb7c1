import { setTimeout as delay } from 'node:timers/promises';
import { type EngineInstance, PolyscribeError, type RegistrySnapshot, isAbortError } from '#contracts';
import { ChangeSignal, type GrpcTls, createGrpcChannel, createGrpcClient } from '#grpc';
import { fromWireInstance, registryV1 } from '#protos';
import type { Logger } from '#telemetry';
import { backoffMs } from './backoff.js';

export interface RegistryWatcherSettings {
  /** host:port of the engine registry. */
  readonly address: string;
  /** In the clear unless given. */
  readonly tls?: GrpcTls | undefined;
  readonly logger: Logger;
  /**
   * How long an instance that is missing from the first lists after a reconnect is kept: a registry that was restarted
   * knows an instance again only after its next heartbeat. 5 s unless told otherwise.
   */
  readonly graceMs?: number;
}

const FIRST_BACKOFF_MS = 100;
const MOST_BACKOFF_MS = 2_000;
const UNARY_DEADLINE_MS = 2_000;
/** A list of a thousand instances with many models stays far below this. */
const MAX_LIST_BYTES = 32 * 1024 * 1024;

/**
 * Keeps the newest list of engine instances, and goes on with the last one while the registry is away. Close it when it is
 * no longer needed.
 */
export class RegistryWatcher {
  private readonly changes = new ChangeSignal();
  private readonly closing = new AbortController();
  private readonly done: Promise<void>;
  private current: RegistrySnapshot = { instances: [], revision: 0 };
  private heardAtMs: number | undefined;
  private isConnected = false;
  private graceTimer: NodeJS.Timeout | undefined;

  constructor(private readonly settings: RegistryWatcherSettings) {
    this.done = this.run();
  }

  /** The newest list, or the last one known while the registry is away; empty before the first. */
  snapshot(): RegistrySnapshot {
    return this.current;
  }

  /** Whether lists come at this moment. */
  get connected(): boolean {
    return this.isConnected;
  }

  /** Since when the snapshot may be out of date: 0 while connected, undefined when no list has come yet. */
  get ageMs(): number | undefined {
    if (this.heardAtMs === undefined) return undefined;
    return this.isConnected ? 0 : performance.now() - this.heardAtMs;
  }

  /** Calls the listener after each change of the snapshot. @returns stops that */
  onChange(listener: (snapshot: RegistrySnapshot) => void): () => void {
    const stopped = new AbortController();
    void this.tell(listener, AbortSignal.any([stopped.signal, this.closing.signal]));
    return () => stopped.abort();
  }

  /**
   * Resolves with the first snapshot, now or later, that fulfils the predicate.
   *
   * @throws PolyscribeError `cancelled` when the signal aborts or the watcher is closed
   */
  async waitFor(predicate: (snapshot: RegistrySnapshot) => boolean, signal: AbortSignal): Promise<RegistrySnapshot> {
    const ended = AbortSignal.any([signal, this.closing.signal]);
    let seen: number;
    do {
      seen = this.changes.revision;
      if (predicate(this.current)) return this.current;
    } while (await this.changes.after(seen, ended));
    throw new PolyscribeError('cancelled', 'Waiting for an engine was cancelled.');
  }

  async close(): Promise<void> {
    this.closing.abort();
    clearTimeout(this.graceTimer);
    await this.done;
  }

  private async run(): Promise<void> {
    const { address, logger, tls } = this.settings;
    const { signal } = this.closing;
    const channel = createGrpcChannel(address, { maxReceiveBytes: MAX_LIST_BYTES, tls });
    const client = createGrpcClient(registryV1.EngineRegistryServiceDefinition, channel, {
      unaryDeadlineMs: UNARY_DEADLINE_MS,
    });
    let failures = 0;
    try {
      while (!signal.aborted) {
        try {
          let keepUntilMs: number | undefined;
          for await (const list of client.watch({}, { signal })) {
            if (!this.isConnected) logger.debug({ registry: address }, 'connected to the engine registry');
            failures = 0;
            keepUntilMs ??= this.heardAtMs === undefined ? 0 : performance.now() + this.graceMs;
            this.isConnected = true;
            this.take(list, keepUntilMs);
          }
        } catch (error) {
          if (!this.closing.signal.aborted && failures === 0)
            logger.warn({ err: error, registry: address }, 'engine registry lost');
        }
        this.isConnected = false;
        // What is kept now is kept until the registry is back and had its grace.
        clearTimeout(this.graceTimer);
        failures += 1;
        await pause(backoffMs(failures, FIRST_BACKOFF_MS, MOST_BACKOFF_MS), signal);
      }
    } finally {
      channel.close();
    }
  }

  private get graceMs(): number {
    return this.settings.graceMs ?? 5_000;
  }

  /** @param keepUntilMs until then instances that the list lacks are kept */
  private take(list: registryV1.WatchResponse, keepUntilMs: number): void {
    clearTimeout(this.graceTimer);
    const listed = this.readable(list.instances);
    const leftMs = keepUntilMs - performance.now();
    if (leftMs > 0) {
      const known = new Set(listed.map((instance) => instance.id));
      const missing = this.current.instances.filter((instance) => !known.has(instance.id));
      this.set([...listed, ...missing], list.revision);
      this.graceTimer = setTimeout(() => this.set(listed, list.revision), leftMs);
      this.graceTimer.unref();
    } else {
      this.set(listed, list.revision);
    }
  }

  private set(instances: readonly EngineInstance[], revision: number): void {
    const sorted = instances.toSorted((a, b) => (a.id < b.id ? -1 : Number(a.id > b.id)));
    this.current = { instances: sorted, revision };
    this.heardAtMs = performance.now();
    this.changes.notify();
  }

  /** An instance that we cannot read (a newer version's engine, say) is left out; the others are served all the same. */
  private readable(instances: readonly registryV1.Instance[]): EngineInstance[] {
    return instances.flatMap((instance) => {
      try {
        return [fromWireInstance(instance, 'engine_bad_response')];
      } catch (error) {
        this.settings.logger.warn({ err: error, instance: instance.instanceId }, 'an instance cannot be read');
        return [];
      }
    });
  }

  private async tell(listener: (snapshot: RegistrySnapshot) => void, ended: AbortSignal): Promise<void> {
    let seen = this.changes.revision;
    while (await this.changes.after(seen, ended)) {
      seen = this.changes.revision;
      listener(this.current);
    }
  }
}

/** Waits, or less long when the signal aborts. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    if (!isAbortError(error)) throw error;
  }
}
