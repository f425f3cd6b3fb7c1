export {
  HealthCheckRequest,
  HealthCheckResponse,
  HealthCheckResponse_ServingStatus,
  HealthDefinition,
} from './gen/grpc/health/v1/health.js';
export type { HealthClient, HealthServiceImplementation } from './gen/grpc/health/v1/health.js';
