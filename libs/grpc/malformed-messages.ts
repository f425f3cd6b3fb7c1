import { PolyscribeError } from '#contracts';
import type { CallContext, ServerMiddleware, ServerMiddlewareCall, TsProtoServiceDefinition } from 'nice-grpc';

/** Stands for a message whose bytes are none of its type. */
const malformed: unique symbol = Symbol('malformed message');

/**
 * A service that hands malformed messages on, for `malformedMiddleware` to refuse: what the library answers by itself says
 * that the server is at fault.
 */
export function withMalformed<Service extends TsProtoServiceDefinition>(definition: Service): Service {
  const methods = Object.entries(definition.methods).map(([name, method]) => {
    const { requestType } = method;
    const decode = (bytes: Uint8Array): unknown => {
      try {
        return requestType.decode(bytes) as unknown;
      } catch {
        return malformed;
      }
    };
    return [name, { ...method, requestType: { ...requestType, decode } }];
  });
  return { ...definition, methods: Object.fromEntries(methods) as Service['methods'] };
}

/** Refuses malformed messages as the caller's mistake, wherever in a stream they come. */
export const malformedMiddleware: ServerMiddleware = async function* malformedMessages<Request, Response>(
  call: ServerMiddlewareCall<Request, Response>,
  context: CallContext,
) {
  if (!call.requestStream) {
    refuse(call.request);
    return yield* call.next(call.request, context);
  }
  return yield* call.next(wellFormed(call.request), context);
};

async function* wellFormed<Message>(messages: AsyncIterable<Message>): AsyncGenerator<Message> {
  for await (const message of messages) {
    refuse(message);
    yield message;
  }
}

function refuse(message: unknown): void {
  if (message !== malformed) return;
  throw new PolyscribeError('invalid_request', 'A message of this call cannot be read; check it against the protos.');
}
