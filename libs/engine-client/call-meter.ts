import { type EndedCall, type EngineEvent, type PolyscribeError, WAITING_STAGE } from '#contracts';

/** Longest message that is reported; it is for operators, and adapters put no transcript in it. */
const MAX_MESSAGE_LENGTH = 300;

/**
 * Measures one call of an engine, from its making to `done` or `failed`. Nothing is reported of a call that ended by
 * neither: somebody cancelled it.
 */
export class CallMeter {
  private readonly startedMs: number;
  private queueMs: number | undefined;
  /** All the time in which the engine said that it was waiting, and the part of it after its first sign of work. */
  private waitedMs = 0;
  private waitedLaterMs = 0;
  private waitingSinceMs: number | undefined;
  /** Time at work in which the engine was kept from going on. */
  private heldUpMs = 0;

  /**
   * @param report takes the call when it has ended by success or by a fault of the engine
   * @param nowMs monotonic
   */
  constructor(
    private readonly instanceId: string,
    private readonly report: (call: EndedCall, endedMs: number) => void,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.startedMs = nowMs();
  }

  /** Takes each event as it comes. */
  event(event: EngineEvent): void {
    const now = this.nowMs();
    if (event.type === 'progress' && event.stage === WAITING_STAGE) {
      this.waitingSinceMs ??= now;
      return;
    }
    this.endWaiting(now);
    // A result is no sign of a beginning: an engine that tells nothing before it may have worked all the time.
    this.queueMs ??= event.type === 'progress' ? now - this.startedMs : this.waitedMs;
  }

  /** Takes the time for which an event was dealt with before the next was asked for. */
  heldUp(ms: number): void {
    // While it waits for its turn it is not kept from anything.
    if (this.waitingSinceMs === undefined) this.heldUpMs += ms;
  }

  done(audioMs: number): void {
    this.end(audioMs);
  }

  /** Of errors that are not the engine's fault nothing is told. */
  failed({ code, message, row }: PolyscribeError): void {
    if (row.engineFault) this.end(0, { code, message: message.slice(0, MAX_MESSAGE_LENGTH) });
  }

  private end(audioMs: number, error?: EndedCall['error']): void {
    const now = this.nowMs();
    this.endWaiting(now);
    const startAgeMs = now - this.startedMs;
    const queueMs = this.queueMs ?? this.waitedMs;
    const workMs = Math.max(0, startAgeMs - queueMs - this.waitedLaterMs - this.heldUpMs);
    this.report({ instanceId: this.instanceId, audioMs, queueMs, workMs, startAgeMs, ...(error && { error }) }, now);
  }

  private endWaiting(now: number): void {
    if (this.waitingSinceMs === undefined) return;
    const ms = now - this.waitingSinceMs;
    this.waitingSinceMs = undefined;
    this.waitedMs += ms;
    if (this.queueMs !== undefined) this.waitedLaterMs += ms;
  }
}
