import type { EngineInstance, RegistrySnapshot } from '#contracts';
import { backoffMs } from '#timing';
import type { BackoffLimits } from './worker-settings.js';

interface Turn {
  readonly isUnderWay: boolean;
  /** Calls that ended without closing the breaker. */
  readonly calls: number;
  /** By the monotonic clock. */
  readonly notBeforeMs: number;
}

/**
 * Who may call an instance whose breaker is open, where there is nobody else: one call of this worker at a time, and after
 * each that does not close the breaker none for a while, longer from call to call. Without that every span that waits
 * would go there as soon as it could, and an engine that is down would be kept down by those who need it.
 */
export class LastResortTurns {
  private readonly turns = new Map<string, Turn>();

  constructor(
    private readonly pause: BackoffLimits,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  mayCall({ id, breaker }: EngineInstance): boolean {
    const turn = this.turns.get(id);
    if (breaker.state === 'closed' || !turn) return true;
    return !turn.isUnderWay && this.nowMs() >= turn.notBeforeMs;
  }

  /** To be said at once by who is about to call: others that look at the same moment are then too late. */
  reserve({ id, breaker }: EngineInstance): void {
    if (breaker.state === 'closed') return;
    const calls = this.turns.get(id)?.calls ?? 0;
    this.turns.set(id, { isUnderWay: false, calls, notBeforeMs: this.nowMs() + this.pause.firstMs });
  }

  /** Counts a call until the returned function is called; nothing to count where the breaker is closed. */
  begin({ id, breaker }: EngineInstance): () => void {
    if (breaker.state === 'closed') return () => undefined;
    const calls = (this.turns.get(id)?.calls ?? 0) + 1;
    this.turns.set(id, { isUnderWay: true, calls, notBeforeMs: Infinity });
    return () => {
      // Forgotten meanwhile: the breaker is closed, or the instance gone.
      if (!this.turns.has(id)) return;
      const { firstMs, maxMs } = this.pause;
      this.turns.set(id, { isUnderWay: false, calls, notBeforeMs: this.nowMs() + backoffMs(calls, firstMs, maxMs) });
    };
  }

  /** Forgets instances that are called like any other, or gone. */
  keepOnly({ instances }: RegistrySnapshot): void {
    const open = new Set(instances.filter(({ breaker }) => breaker.state !== 'closed').map(({ id }) => id));
    for (const id of this.turns.keys()) if (!open.has(id)) this.turns.delete(id);
  }
}
