import { type ErrorCode, PolyscribeError, isAbortError } from '#contracts';
import { ClientError, Status } from 'nice-grpc';
import { RichClientError } from 'nice-grpc-error-details';
import { fromErrorDetails } from './error-info.js';

/** Who answered: an engine, whose faults count against it, or a service of ours on which the caller depends. */
export type GrpcPeer = 'engine' | 'dependency';

export interface GrpcErrorContext {
  readonly peer: GrpcPeer;
  /** Names the peer in messages, such as `engine registry`. */
  readonly name: string;
  /** The caller's own signal: only when it is aborted did the caller cancel. */
  readonly signal?: AbortSignal;
}

/**
 * What a bare status means, where no ErrorInfo of ours came with it: a proxy, the library itself or another server spoke.
 * What is missing here is `fallback`.
 */
const meanings: Readonly<
  Record<GrpcPeer, { readonly byStatus: Readonly<Partial<Record<Status, ErrorCode>>>; readonly fallback: ErrorCode }>
> = {
  engine: {
    byStatus: {
      [Status.UNAVAILABLE]: 'engine_unavailable',
      // The caller did not cancel, so the engine's server did: it is being stopped by force.
      [Status.CANCELLED]: 'engine_unavailable',
      // Wrong credentials between worker and engine are the operator's to mend, not the client's.
      [Status.UNAUTHENTICATED]: 'engine_unavailable',
      [Status.PERMISSION_DENIED]: 'engine_unavailable',
      [Status.DEADLINE_EXCEEDED]: 'engine_timeout',
      [Status.RESOURCE_EXHAUSTED]: 'engine_busy',
      [Status.INVALID_ARGUMENT]: 'invalid_request',
    },
    fallback: 'engine_bad_response',
  },
  dependency: {
    byStatus: {
      [Status.INVALID_ARGUMENT]: 'invalid_request',
      [Status.NOT_FOUND]: 'not_found',
    },
    fallback: 'dependency_unavailable',
  },
};

/**
 * What a gRPC client threw as a PolyscribeError: by ErrorInfo where a server of ours answered, by status otherwise. A
 * deadline is not a cancel, and a cancel that the caller did not ask for is a failure of the peer.
 */
export function fromGrpcError(thrown: unknown, context: GrpcErrorContext): PolyscribeError {
  if (context.signal?.aborted) {
    return new PolyscribeError('cancelled', 'The call was cancelled.', { cause: thrown });
  }
  if (thrown instanceof PolyscribeError) return thrown;
  if (thrown instanceof RichClientError) {
    const sent = fromErrorDetails(thrown.details, thrown.extra, thrown);
    if (sent && sent.code !== 'cancelled') return judged(sent, context);
  }
  const { byStatus, fallback } = meanings[context.peer];
  const status = statusOf(thrown);
  const code = (status === undefined ? undefined : byStatus[status]) ?? fallback;
  return new PolyscribeError(code, `The ${context.name} ${sentenceFor(status)}.`, { cause: thrown });
}

/** What went wrong inside an engine is that engine's fault, and another one may do better; `internal` means ourselves. */
function judged(sent: PolyscribeError, { peer, name }: GrpcErrorContext): PolyscribeError {
  if (peer !== 'engine' || sent.code !== 'internal') return sent;
  return new PolyscribeError('engine_bad_response', `The ${name} failed. ${sent.message}`, { cause: sent.cause });
}

function statusOf(thrown: unknown): Status | undefined {
  if (thrown instanceof ClientError) return thrown.code;
  return isAbortError(thrown) ? Status.CANCELLED : undefined;
}

function sentenceFor(status: Status | undefined): string {
  if (status === undefined) return 'gave an answer that cannot be read';
  if (status === Status.UNAVAILABLE) return 'cannot be reached';
  if (status === Status.DEADLINE_EXCEEDED) return 'did not answer in time';
  if (status === Status.CANCELLED) return 'broke off the call';
  return `answered with gRPC status ${Status[status]}`;
}
