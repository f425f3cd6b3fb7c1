import { once } from 'node:events';
import type { EngineInstance } from '#contracts';
import { GrpcServer } from '#grpc';
import { registryV1, toWireInstance } from '#protos';
import type { Logger } from '#telemetry';

export interface RegistryStandIn {
  readonly address: string;
  stop(): Promise<void>;
}

/** A registry over real gRPC that knows just these instances. */
export async function startRegistryStandIn(
  instances: readonly EngineInstance[],
  logger: Logger,
): Promise<RegistryStandIn> {
  const list = { instances: instances.map(toWireInstance), revision: 1 };
  const refuse = (): Promise<never> => Promise.reject(new Error('Nobody registers here.'));
  const server = new GrpcServer({ logger });
  server.add(registryV1.EngineRegistryServiceDefinition, {
    register: refuse,
    heartbeat: refuse,
    deregister: refuse,
    report: refuse,
    list: () => Promise.resolve(list),
    async *watch(_request, { signal }) {
      yield list;
      const ended = AbortSignal.any([signal, server.stopping]);
      if (!ended.aborted) await once(ended, 'abort');
    },
  });
  const address = await server.listen('127.0.0.1', 0);
  return { address, stop: () => server.stop(0) };
}
