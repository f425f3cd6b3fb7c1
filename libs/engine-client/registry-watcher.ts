import { type EngineInstance, PolyscribeError, type RegistrySnapshot } from '#contracts';
import { ChangeSignal, type GrpcTls, addressList } from '#grpc';
import type { Logger } from '#telemetry';
import { MergedInstances } from './merged-instances.js';
import { watchRegistry } from './watch-registry.js';

export interface RegistryWatcherSettings {
  /** host:port of the engine registry, or of each of its replicas with commas between them. */
  readonly address: string;
  /** In the clear unless given. */
  readonly tls?: GrpcTls | undefined;
  readonly logger: Logger;
  /**
   * How long an instance is kept that only a lost replica knew, or that is missing after a reconnect: a registry that was
   * restarted knows an instance again only after its next heartbeat. 5 s unless told otherwise.
   */
  readonly graceMs?: number;
}

/**
 * Keeps the newest list of engine instances, merged from all replicas of the registry, and goes on with the last one while
 * all are away. Close it when it is no longer needed.
 */
export class RegistryWatcher {
  private readonly changes = new ChangeSignal();
  private readonly closing = new AbortController();
  private readonly merged: MergedInstances;
  private readonly done: Promise<unknown>;
  private current: RegistrySnapshot = { instances: [], revision: 0 };
  private heardAtMs: number | undefined;
  private graceTimer: NodeJS.Timeout | undefined;

  constructor({ address, tls, logger, graceMs = 5_000 }: RegistryWatcherSettings) {
    this.merged = new MergedInstances(graceMs);
    const watches = addressList(address).map((replica) => {
      const heard = (list: readonly EngineInstance[]): void => this.heard(replica, list);
      const lost = (): void => this.lost(replica);
      return watchRegistry({ address: replica, tls, logger, heard, lost }, this.closing.signal);
    });
    this.done = Promise.all(watches);
  }

  /** The newest list, or the last one known while the registry is away; empty before the first. */
  snapshot(): RegistrySnapshot {
    return this.current;
  }

  /** Whether lists come at this moment, from one replica at least. */
  get connected(): boolean {
    return this.merged.connected;
  }

  /** Since when the snapshot may be out of date: 0 while connected, undefined when no list has come yet. */
  get ageMs(): number | undefined {
    if (this.heardAtMs === undefined) return undefined;
    return this.connected ? 0 : performance.now() - this.heardAtMs;
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
    await this.done;
    clearTimeout(this.graceTimer);
  }

  private heard(replica: string, list: readonly EngineInstance[]): void {
    this.heardAtMs = performance.now();
    this.merged.heard(replica, list, this.heardAtMs);
    this.publish();
  }

  private lost(replica: string): void {
    this.merged.lost(replica, performance.now());
    // Nothing is dropped now; what is kept has its time set anew.
    this.awaitExpiry();
  }

  private publish(): void {
    this.current = { instances: this.merged.all(), revision: this.current.revision + 1 };
    this.changes.notify();
    this.awaitExpiry();
  }

  private awaitExpiry(): void {
    clearTimeout(this.graceTimer);
    const { expiresAtMs } = this.merged;
    if (expiresAtMs === undefined) return;
    this.graceTimer = setTimeout(
      () => {
        this.merged.expire(performance.now());
        this.publish();
      },
      // Timers may fire up to a millisecond early.
      Math.max(0, expiresAtMs - performance.now()) + 1,
    );
    this.graceTimer.unref();
  }

  private async tell(listener: (snapshot: RegistrySnapshot) => void, ended: AbortSignal): Promise<void> {
    let seen = this.changes.revision;
    while (await this.changes.after(seen, ended)) {
      seen = this.changes.revision;
      listener(this.current);
    }
  }
}
