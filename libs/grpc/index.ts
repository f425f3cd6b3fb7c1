export * from './change-signal.js';
export * from './channel.js';
export * from './client-errors.js';
export * from './grpc-server.js';
export * from './health.service.js';
export * from './request-id.js';
export type { GrpcClientTls, GrpcTls } from './tls.js';
