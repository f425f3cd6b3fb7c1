import { PolyscribeError } from '#contracts';
import type { Logger } from '#telemetry';
import { type CallContext, ServerError, type ServerMiddleware, type ServerMiddlewareCall } from 'nice-grpc';
import { toServerError } from './error-info.js';
import { REQUEST_ID_KEY, type RequestIdContext, requestIdFrom } from './request-id.js';

/** Gives each call its request id, and sends the id back. */
export const requestIdMiddleware: ServerMiddleware<RequestIdContext> = async function* requestId<Request, Response>(
  call: ServerMiddlewareCall<Request, Response, RequestIdContext>,
  context: CallContext,
) {
  const requestId = requestIdFrom(context.metadata.get(REQUEST_ID_KEY));
  context.header.set(REQUEST_ID_KEY, requestId);
  return yield* call.next(call.request, { ...context, requestId });
};

/**
 * Turns what a handler throws into a gRPC status with ErrorInfo. What we do not know becomes `internal` with a fixed text;
 * its cause goes to the log, with the request id, and never over the wire.
 */
export function errorMiddleware(logger: Logger): ServerMiddleware<object, RequestIdContext> {
  return async function* errors<Request, Response>(
    call: ServerMiddlewareCall<Request, Response, RequestIdContext>,
    context: CallContext & RequestIdContext,
  ) {
    try {
      return yield* call.next(call.request, context);
    } catch (thrown) {
      // A ServerError is a status that was chosen on purpose, such as the health service's NOT_FOUND.
      if (thrown instanceof ServerError) throw thrown;
      const error = PolyscribeError.from(thrown);
      if (error.code === 'internal') {
        logger.error({ err: thrown, requestId: context.requestId, method: call.method.path }, 'a call failed');
      }
      throw toServerError(error);
    }
  };
}
