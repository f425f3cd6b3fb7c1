import type { EngineInstance, RegistrySnapshot } from '#contracts';
import { LastResortTurns } from './last-resort-turns.js';
import type { BackoffLimits } from './worker-settings.js';

/** Where a directory learns which engines there are. */
export interface SnapshotSource {
  snapshot(): RegistrySnapshot;
  /** Calls the listener after each change; returns what ends that. */
  onChange(listener: () => void): () => void;
}

/**
 * The registry's news with this worker's own calls counted in at once. Without that, the load of an instance would be as
 * old as its last heartbeat: spans would all go to one instance, or wait for a place that has long been free.
 */
export class EngineDirectory {
  private readonly own = new Map<string, number>();
  private readonly others = new Map<string, number>();
  private readonly expected = new Map<string, number>();
  private readonly waiters = new Set<() => void>();
  private readonly unwatch: () => void;
  private readonly turns: LastResortTurns;

  /** @param lastResortPause between calls to an instance whose breaker is open */
  constructor(
    private readonly source: SnapshotSource,
    lastResortPause: BackoffLimits,
  ) {
    this.turns = new LastResortTurns(lastResortPause);
    this.countOthers();
    this.unwatch = source.onChange(() => {
      this.turns.keepOnly(source.snapshot());
      this.countOthers();
      this.wake();
    });
  }

  snapshot(): RegistrySnapshot {
    const { instances, revision } = this.source.snapshot();
    return { revision, instances: instances.map((instance) => ({ ...instance, inFlight: this.load(instance) })) };
  }

  /** The same with the calls counted in that are about to be made: what is left for further jobs. */
  expectation(): RegistrySnapshot {
    const { instances, revision } = this.snapshot();
    const load = ({ id, inFlight }: EngineInstance) => inFlight + (this.expected.get(id) ?? 0);
    return { revision, instances: instances.map((instance) => ({ ...instance, inFlight: load(instance) })) };
  }

  /** Counts a call to the instance until the returned function is called. */
  enter(instanceId: string): () => void {
    const instance = this.source.snapshot().instances.find(({ id }) => id === instanceId);
    const endTurn = instance && this.turns.begin(instance);
    const leave = this.count(this.own, instanceId);
    return () => {
      endTurn?.();
      leave();
    };
  }

  /** Whether an instance may be called now that is to be called for want of any other. */
  mayCallLast(instance: EngineInstance): boolean {
    return this.turns.mayCall(instance);
  }

  /** Keeps the turn at such an instance for who has just chosen it and enters next. */
  reserveLast(instance: EngineInstance): void {
    this.turns.reserve(instance);
  }

  /** Counts a call that a job is about to make, until the returned function is called. */
  expect(instanceId: string): () => void {
    return this.count(this.expected, instanceId);
  }

  /** How many calls of this worker the instance serves. */
  ownCalls(instanceId: string): number {
    return this.own.get(instanceId) ?? 0;
  }

  /** Whether our own calls alone fill the instance, so that asking for one more makes no sense. */
  isFullOfOurs({ id, description }: EngineInstance): boolean {
    return this.ownCalls(id) >= description.capabilities.maxConcurrency;
  }

  /** Resolves when something about the engines changed, after `maxMs`, or when the signal is aborted. */
  async changed(maxMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.waiters.delete(done);
        resolve();
      };
      const timer = setTimeout(done, maxMs);
      signal.addEventListener('abort', done, { once: true });
      this.waiters.add(done);
    });
  }

  close(): void {
    this.unwatch();
    this.wake();
  }

  private count(calls: Map<string, number>, instanceId: string): () => void {
    calls.set(instanceId, (calls.get(instanceId) ?? 0) + 1);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const remaining = (calls.get(instanceId) ?? 1) - 1;
      if (remaining === 0) calls.delete(instanceId);
      else calls.set(instanceId, remaining);
      this.wake();
    };
  }

  private load(instance: EngineInstance): number {
    return (this.own.get(instance.id) ?? 0) + (this.others.get(instance.id) ?? instance.inFlight);
  }

  /** What an instance reports holds our own calls too; the rest are other workers' and stay until it reports again. */
  private countOthers(): void {
    this.others.clear();
    for (const { id, inFlight } of this.source.snapshot().instances) {
      this.others.set(id, Math.max(0, inFlight - (this.own.get(id) ?? 0)));
    }
  }

  private wake(): void {
    for (const waiter of [...this.waiters]) waiter();
  }
}
