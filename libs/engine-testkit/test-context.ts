import { loadConfig } from '#config';
import type { Endpoints, ServiceContext } from '#service-host';
import { createLogger } from '#telemetry';

/** A service context for tests: every port is a free one, the log is silent. */
export function testContext(endpoints: Endpoints = {}, env: NodeJS.ProcessEnv = {}): ServiceContext {
  const ports = { PORT: '0', GRPC_PORT: '0', ENGINE_PORT: '0', ENGINE_REGISTRY_PORT: '0' };
  return {
    config: loadConfig({ ...ports, ...env }),
    logger: createLogger('test', 'silent'),
    endpoint(name) {
      const address = endpoints[name];
      if (address === undefined) throw new Error(`This test provides no ${name}.`);
      return address;
    },
  };
}
