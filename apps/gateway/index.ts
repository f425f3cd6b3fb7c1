import type { ServiceDefinition } from '#service-host';

/** Takes work over REST and gRPC, tells how it goes, hands out what came of it. */
export const gateway: ServiceDefinition = {
  name: 'gateway',
  needs: ['database', 'registry'],
  provides: ['http', 'grpc'],
  // Loaded when it is started, like every service: a process pays only for the libraries of what it runs.
  start: async (context) => (await import('./start-gateway.js')).startGateway(context),
};
