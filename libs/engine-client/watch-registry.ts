import { setTimeout as delay } from 'node:timers/promises';
import { type EngineInstance, isAbortError } from '#contracts';
import { type GrpcTls, createGrpcChannel, createGrpcClient } from '#grpc';
import { fromWireInstance, registryV1 } from '#protos';
import type { Logger } from '#telemetry';
import { backoffMs } from '#timing';

export interface RegistryConnection {
  /** host:port of one registry. */
  readonly address: string;
  readonly tls: GrpcTls | undefined;
  readonly logger: Logger;
  /** The whole list, at first and after each change. */
  readonly heard: (instances: readonly EngineInstance[]) => void;
  /** The connection that brought lists has ended. */
  readonly lost: () => void;
}

const FIRST_BACKOFF_MS = 100;
const MOST_BACKOFF_MS = 2_000;
const UNARY_DEADLINE_MS = 2_000;
/** A list of a thousand instances with many models stays far below this. */
const MAX_LIST_BYTES = 32 * 1024 * 1024;

/** Hands on one registry's lists and connects again whenever it is lost. Resolves when the signal aborts. */
export async function watchRegistry(connection: RegistryConnection, signal: AbortSignal): Promise<void> {
  const { address, logger, tls } = connection;
  const channel = createGrpcChannel(address, { maxReceiveBytes: MAX_LIST_BYTES, tls });
  const client = createGrpcClient(registryV1.EngineRegistryServiceDefinition, channel, {
    unaryDeadlineMs: UNARY_DEADLINE_MS,
  });
  let failures = 0;
  try {
    while (!signal.aborted) {
      let isConnected = false;
      let cause: unknown;
      try {
        for await (const { instances } of client.watch({}, { signal })) {
          if (!isConnected) logger.debug({ registry: address }, 'connected to the engine registry');
          isConnected = true;
          failures = 0;
          connection.heard(readable(instances, logger));
        }
      } catch (error) {
        cause = error;
      }
      // A registry that was asked to stop ends the stream without an error.
      if (!isAborted(signal) && failures === 0) logger.warn({ err: cause, registry: address }, 'engine registry lost');
      if (isConnected) connection.lost();
      failures += 1;
      await pause(backoffMs(failures, FIRST_BACKOFF_MS, MOST_BACKOFF_MS), signal);
    }
  } finally {
    channel.close();
  }
}

/** An instance that we cannot read (a newer version's engine, say) is left out; the others are served all the same. */
function readable(instances: readonly registryV1.Instance[], logger: Logger): EngineInstance[] {
  return instances.flatMap((instance) => {
    try {
      return [fromWireInstance(instance, 'engine_bad_response')];
    } catch (error) {
      logger.warn({ err: error, instance: instance.instanceId }, 'an instance cannot be read');
      return [];
    }
  });
}

/** Asked by a function because it changes while others are awaited, which the compiler does not see. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** Waits, or less long when the signal aborts. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    if (!isAbortError(error)) throw error;
  }
}
