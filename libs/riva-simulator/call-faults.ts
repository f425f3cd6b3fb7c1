import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { CallContext } from 'nice-grpc';
import { STREAM_ID_KEY } from './http2-front.js';
import type { CallMoment, FaultAction, FaultPlan } from './riva-fault.js';
import { serverError } from './riva-errors.js';

/** What faults do beyond the handlers of gRPC. */
export interface FaultTargets {
  /** Strikes the stream below gRPC. */
  belowGrpc(streamId: string, action: FaultAction): void;
  /** The server is to be gone. */
  die(): void;
}

/** Lets the faults of one call strike. */
export class CallFaults {
  constructor(
    private readonly plan: FaultPlan,
    private readonly context: CallContext,
    private readonly targets: FaultTargets,
  ) {}

  /** @throws what the fault makes of the call; returns where nothing is due, or a stall is over */
  async at(moment: CallMoment): Promise<void> {
    for (let action = this.plan.due(moment); action; action = this.plan.due(moment)) await this.strike(action);
  }

  private async strike(action: FaultAction): Promise<void> {
    const { signal, metadata } = this.context;
    if (action.kind === 'error') throw serverError(action.error);
    if (action.kind === 'stall' && action.forMs !== undefined) {
      await delay(action.forMs, undefined, { signal });
      return;
    }
    if (action.kind === 'die') this.targets.die();
    else if (action.kind !== 'stall') this.targets.belowGrpc(metadata.get(STREAM_ID_KEY) ?? '', action);
    if (!signal.aborted) await once(signal, 'abort');
    signal.throwIfAborted();
  }
}
