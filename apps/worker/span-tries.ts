import { type EngineChoice, type EngineKind, PolyscribeError } from '#contracts';
import { backoffMs } from '#timing';
import type { BackoffLimits } from './worker-settings.js';

/** A full engine is asked again at least that often: its calls are short. */
const BUSY_PAUSE_MAX_MS = 2_000;

export interface SpanTryLimits {
  /** How often a span may find engines unavailable. */
  readonly unavailableTries: number;
  /** Pauses between rounds. */
  readonly retry: BackoffLimits;
}

export interface FailedTry {
  readonly engine: EngineKind;
  readonly instance: string;
  readonly error: PolyscribeError;
}

/**
 * An engine failed with what another may not, and no other was there that might be asked. The job may find one, or the same
 * one well again, later.
 */
export class NobodyElse extends PolyscribeError {
  constructor({ code, message, fields, retryAfterMs, facts }: PolyscribeError) {
    super(code, message, { fields, facts, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
  }
}

/**
 * What has been tried for one span, and what the error table allows next:
 *
 * - `never`, `by-hand`, `queue`: the span ends with this error; the job decides about the rest
 * - `other-engine-once`: one more try, on another instance and now
 * - `other-engine-then-later`: another instance now, any after a pause, up to the limit
 * - `later`: as above without a limit in number; the wait for an engine has its own limit in time
 */
export class SpanTries {
  readonly tried = new Set<string>();
  /** Those of them that were only full. */
  private readonly full = new Set<string>();
  /** What the last call failed with that an engine is to blame for; undefined while none is. */
  private blame: PolyscribeError | undefined;
  /** The first failure that made the span go elsewhere; undefined while there is none. */
  firstFailure: FailedTry | undefined;
  /** What the last call failed with; undefined while none failed. */
  lastError: PolyscribeError | undefined;
  private doubtedEngine: EngineKind | undefined;
  private slowEngine: EngineKind | undefined;
  private blamed = 0;
  private unavailable = 0;
  private rounds = 0;

  constructor(private readonly limits: SpanTryLimits) {}

  /**
   * Notes a failed call. @throws the error when the span must not be tried again
   */
  failed(failure: FailedTry): void {
    this.note(failure);
    const { error } = failure;
    switch (error.row.retry) {
      case 'never':
      case 'by-hand':
      case 'queue':
        throw error;
      case 'other-engine-once':
        if (this.blamed > 1) throw error;
        break;
      case 'other-engine-then-later':
        if (this.unavailable >= this.limits.unavailableTries) throw error;
        break;
      case 'later':
    }
  }

  /** Notes a failed call beside which another one may still succeed. */
  note(failure: FailedTry): void {
    const { error, instance } = failure;
    this.lastError = error;
    this.tried.add(instance);
    if (error.row.retry === 'later') {
      // A full engine has not failed: it is no reason to name when another one serves.
      this.full.add(instance);
      return;
    }
    if (error.row.retry === 'other-engine-once') {
      this.blamed += 1;
      this.blame = error;
    }
    if (error.row.retry === 'other-engine-then-later') this.unavailable += 1;
    this.firstFailure ??= failure;
  }

  /** Notes that an engine gave no text where another one then did. */
  doubted(engine: EngineKind): void {
    this.doubtedEngine = engine;
  }

  /** Notes that an engine was slow and another one was done before it. */
  outrun(engine: EngineKind): void {
    this.slowEngine = engine;
  }

  /** The engine that was to do the span before others stood in; undefined where none did. */
  get meant(): EngineKind | undefined {
    return this.firstFailure?.engine ?? this.doubtedEngine ?? this.slowEngine;
  }

  /**
   * Why that engine did the span, for clients; undefined where it was meant to.
   *
   * @param named the engine that the client named
   */
  fallbackReason(engine: EngineKind, named: EngineChoice): string | undefined {
    const failed = this.firstFailure;
    if (failed !== undefined && failed.engine !== engine) {
      const { code, message } = failed.error;
      return `${engine} stood in for ${failed.engine}, which failed with ${code}: ${message}`;
    }
    if (this.doubtedEngine !== undefined && this.doubtedEngine !== engine) {
      return `${engine} stood in for ${this.doubtedEngine}, which gave no text though somebody seems to speak.`;
    }
    if (this.slowEngine !== undefined && this.slowEngine !== engine) {
      return `${engine} stood in for ${this.slowEngine}, which took longer than it mostly does.`;
    }
    if (named === 'auto' || named === engine) return undefined;
    return `${engine} stood in for ${named}, which could not take the work.`;
  }

  /**
   * The pause before those that failed may be asked again; 0 when none failed, as there is then nothing to begin again.
   *
   * @throws NobodyElse when only another engine may be tried and there is none
   */
  nextRoundMs(): number {
    if (this.blame && this.full.size === 0) throw new NobodyElse(this.blame);
    if (this.tried.size === 0) return 0;
    this.rounds += 1;
    const { firstMs, maxMs } = this.limits.retry;
    const isBusy = this.lastError?.row.retry === 'later';
    return backoffMs(this.rounds, firstMs, isBusy ? Math.min(maxMs, BUSY_PAUSE_MAX_MS) : maxMs);
  }

  /** Begins another round: every instance may be asked again, but for those that failed where only another one may be tried. */
  beginRound(): void {
    const again = this.blame ? this.full : new Set(this.tried);
    for (const instance of again) this.tried.delete(instance);
    this.full.clear();
  }
}
