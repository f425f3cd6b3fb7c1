import { createChannel, createClientFactory } from 'nice-grpc';
import type { Channel, Client, ClientMiddleware, CompatServiceDefinition } from 'nice-grpc';
import { type DeadlineOptions, deadlineMiddleware } from 'nice-grpc-client-middleware-deadline';
import { errorDetailsClientMiddleware } from 'nice-grpc-error-details';
import { MAX_MESSAGE_BYTES } from './limits.js';
import { type GrpcClientTls, channelCredentials } from './tls.js';

export interface ChannelSettings {
  /** In the clear unless given. */
  readonly tls?: GrpcClientTls | undefined;
  /** Largest message that is taken; 4 MiB unless told otherwise. */
  readonly maxReceiveBytes?: number;
  /**
   * How often a quiet connection with running calls is tried; 20 s unless told otherwise. Servers that are not ours may
   * take more than one in five minutes for an attack and close the connection (gRPC's default).
   */
  readonly keepaliveMs?: number;
}

/** The single addresses of a list with commas between them, each once. */
export function addressList(addresses: string): readonly string[] {
  return [...new Set(addresses.split(',').map((address) => address.trim()))];
}

/**
 * A connection to host:port, opened by the first call and opened again when it is lost. Close it when it is no longer
 * needed: it holds a socket.
 */
export function createGrpcChannel(address: string, settings: ChannelSettings = {}): Channel {
  return createChannel(address, channelCredentials(settings.tls), {
    'grpc.max_receive_message_length': settings.maxReceiveBytes ?? MAX_MESSAGE_BYTES,
    // A peer that vanished without a word is noticed within half a minute, not when TCP gives up.
    'grpc.keepalive_time_ms': settings.keepaliveMs ?? 20_000,
    'grpc.keepalive_timeout_ms': 10_000,
    // A restarted peer is found again quickly; the library's default backs off up to two minutes.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2_000,
    // Despite its name the limit of one attempt to connect (nice-grpc enforces it).
    'grpc.min_reconnect_backoff_ms': 5_000,
    // Closing a channel then closes its socket, as no other channel shares it.
    'grpc.use_local_subchannel_pool': 1,
    // Retrying is decided where the error table is known; the library would also keep a copy of the audio for it.
    'grpc.enable_retries': 0,
    // Addresses are inside the mesh; a proxy that the environment names is for the outside.
    'grpc.enable_http_proxy': 0,
  });
}

/** A typed client whose methods take a `deadline` in milliseconds beside `signal` and `metadata`. */
export type GrpcClient<Service extends CompatServiceDefinition> = Client<Service, DeadlineOptions>;

export interface ClientSettings {
  /** Deadline of every unary call that does not bring its own. */
  readonly unaryDeadlineMs: number;
}

/** A client that throws nice-grpc's errors with their details; see {@link fromGrpcError}. */
export function createGrpcClient<Service extends CompatServiceDefinition>(
  definition: Service,
  channel: Channel,
  settings: ClientSettings,
): GrpcClient<Service> {
  return createClientFactory()
    .use(guardTrailer)
    .use(errorDetailsClientMiddleware)
    .use(deadlineMiddleware)
    .use(unaryDeadline(settings.unaryDeadlineMs))
    .create(definition, channel);
}

/** No unary call waits for ever, whoever forgets to say how long. Streams have their own ends. */
function unaryDeadline(deadlineMs: number): ClientMiddleware<object, DeadlineOptions> {
  return async function* unaryDeadline(call, options) {
    const isUnary = !call.requestStream && !call.responseStream;
    return yield* call.next(call.request, isUnary ? { deadline: deadlineMs, ...options } : options);
  };
}

/**
 * Error details that cannot be decoded are left out: they are read in an event handler, where an exception would end the
 * process, and the status alone says enough.
 */
const guardTrailer: ClientMiddleware = async function* guardTrailer(call, options) {
  return yield* call.next(call.request, {
    ...options,
    onTrailer(trailer) {
      try {
        options.onTrailer?.(trailer);
      } catch {
        return;
      }
    },
  });
};
