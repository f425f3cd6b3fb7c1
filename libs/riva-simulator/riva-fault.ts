import type { RivaError } from './riva-errors.js';

export type RivaMethod = 'Recognize' | 'StreamingRecognize' | 'GetRivaSpeechRecognitionConfig';

/** Something that goes wrong in a call, once. */
export interface RivaFault {
  /** StreamingRecognize unless told otherwise. */
  readonly method?: RivaMethod;
  /** Which calls of that method, by number from 1; all unless told otherwise. */
  readonly calls?: readonly number[];
  /** When in the call; at its start unless told otherwise. */
  readonly when?: FaultMoment;
  readonly does: FaultAction;
}

export type FaultMoment =
  /** Before anything of the request was read. Recognize knows this one and `before_answer`. */
  | { readonly at: 'start' }
  /** When the stream is half-closed, before what is left is sent; with Recognize when all is recognised. */
  | { readonly at: 'before_answer' }
  /** After that many finals were sent. */
  | { readonly at: 'finals'; readonly count: number }
  /** Once that much audio was consumed. */
  | { readonly at: 'audio'; readonly ms: number };

export type FaultAction =
  /** The call ends with that status. */
  | { readonly kind: 'error'; readonly error: RivaError }
  /** Nothing more is read or sent: for that long, or until the call is given up. */
  | { readonly kind: 'stall'; readonly forMs?: number }
  /** The server is gone at once: a simulator of its own process is killed, one in a test's process cuts all connections. */
  | { readonly kind: 'die' }
  | BelowGrpc;

/** Faults where a server's handlers do not reach: of the network, or of a proxy. */
export type BelowGrpc =
  /** The stream is reset with that HTTP/2 error code; 2, an internal error, unless told otherwise. */
  | { readonly kind: 'reset'; readonly http2Code?: number }
  /** The connection is cut, with all calls on it. */
  | { readonly kind: 'disconnect' }
  /** The answer is no gRPC but a bare HTTP status, as the hosted service's front door gives it. At the start only. */
  | { readonly kind: 'http_status'; readonly status: number };

/** How far a call is. */
export type CallMoment =
  | { readonly at: 'start' }
  | { readonly at: 'before_answer' }
  | { readonly at: 'under_way'; readonly finals: number; readonly audioMs: number };

/** The faults of one call that are still to come. */
export class FaultPlan {
  private readonly waiting: Set<RivaFault>;

  constructor(faults: readonly RivaFault[], method: RivaMethod, callNumber: number) {
    this.waiting = new Set(
      faults.filter(
        (fault) => (fault.method ?? 'StreamingRecognize') === method && (fault.calls?.includes(callNumber) ?? true),
      ),
    );
  }

  /** The fault whose time has come, if any; each is given out once. */
  due(moment: CallMoment): FaultAction | undefined {
    for (const fault of this.waiting) {
      if (!isDue(fault.when ?? { at: 'start' }, moment)) continue;
      this.waiting.delete(fault);
      return fault.does;
    }
    return undefined;
  }
}

function isDue(when: FaultMoment, moment: CallMoment): boolean {
  if (moment.at !== 'under_way') return when.at === moment.at;
  if (when.at === 'finals') return moment.finals >= when.count;
  return when.at === 'audio' && moment.audioMs >= when.ms;
}

export function isBelowGrpc(action: FaultAction): action is BelowGrpc {
  return action.kind === 'reset' || action.kind === 'disconnect' || action.kind === 'http_status';
}
