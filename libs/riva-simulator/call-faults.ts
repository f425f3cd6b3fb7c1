import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { type CallContext, ServerError, Status } from 'nice-grpc';
import { STRIKE_KEY } from './http2-front.js';
import { serverError } from './riva-errors.js';
import { type BelowGrpc, type CallMoment, type FaultAction, type FaultPlan, isBelowGrpc } from './riva-fault.js';

/** Lets the faults of one call strike. */
export class CallFaults {
  /** @param die makes the server be gone */
  constructor(
    private readonly plan: FaultPlan,
    private readonly context: CallContext,
    private readonly die: () => void,
  ) {}

  /** @throws what the fault makes of the call; returns where nothing is due, or a stall is over */
  async at(moment: CallMoment): Promise<void> {
    for (let action = this.plan.due(moment); action; action = this.plan.due(moment)) await this.strike(action);
  }

  private async strike(action: FaultAction): Promise<void> {
    const { signal } = this.context;
    if (action.kind === 'error') throw serverError(action.error);
    if (isBelowGrpc(action)) this.orderStrike(action);
    if (action.kind === 'stall' && action.forMs !== undefined) {
      await delay(action.forMs, undefined, { signal });
      return;
    }
    if (action.kind === 'die') this.die();
    if (!signal.aborted) await once(signal, 'abort');
    signal.throwIfAborted();
  }

  /** What stands before the server carries it out, in place of this end of the call. */
  private orderStrike(action: BelowGrpc): never {
    const order = JSON.stringify(action);
    // The headers may be gone already; then the trailers carry it.
    this.context.header.set(STRIKE_KEY, order);
    this.context.trailer.set(STRIKE_KEY, order);
    throw new ServerError(Status.INTERNAL, 'struck below gRPC');
  }
}
