import { PolyscribeError } from '#contracts';
import { type GrpcTls, createGrpcChannel, createGrpcClient, fromGrpcError } from '#grpc';
import { healthV1 } from '#protos';

export interface HealthQuestion {
  /** host:port */
  readonly address: string;
  /** Full name of a gRPC service; empty asks about the server as a whole. */
  readonly service: string;
  readonly tls: GrpcTls | undefined;
  readonly deadlineMs: number;
}

/**
 * Asks a server by grpc.health.v1 whether it serves.
 *
 * @throws PolyscribeError `dependency_unavailable` when it cannot be reached or does not serve, `not_found` when it does not
 *   know the service
 */
export async function checkHealth({ address, service, tls, deadlineMs }: HealthQuestion): Promise<void> {
  const channel = createGrpcChannel(address, { tls });
  try {
    const client = createGrpcClient(healthV1.HealthDefinition, channel, { unaryDeadlineMs: deadlineMs });
    const { status } = await client.check({ service });
    if (status === healthV1.HealthCheckResponse_ServingStatus.SERVING) return;
  } catch (thrown) {
    throw fromGrpcError(thrown, { peer: 'dependency', name: `server at ${address}` });
  } finally {
    channel.close();
  }
  throw new PolyscribeError('dependency_unavailable', `The server at ${address} does not serve at the moment.`);
}
