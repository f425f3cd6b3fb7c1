import type { SecureServerOptions } from 'node:http2';
import { ServerCredentials } from '@grpc/grpc-js';

/** TLS of a simulator, all PEM. */
export interface SimulatorTls {
  readonly certificate: string;
  readonly privateKey: string;
  /** Mutual TLS: only who shows a certificate of this authority is served. */
  readonly clientAuthority?: string;
}

/** For a gRPC server; undefined serves in the clear. */
export function grpcCredentials(tls: SimulatorTls | undefined): ServerCredentials {
  if (!tls) return ServerCredentials.createInsecure();
  const { certificate, privateKey, clientAuthority } = tls;
  const pair = { private_key: Buffer.from(privateKey), cert_chain: Buffer.from(certificate) };
  const authority = clientAuthority === undefined ? null : Buffer.from(clientAuthority);
  return ServerCredentials.createSsl(authority, [pair], authority !== null);
}

/** For an HTTP/2 server. */
export function http2Credentials(tls: SimulatorTls): SecureServerOptions {
  const { certificate, privateKey, clientAuthority } = tls;
  const pair = { cert: certificate, key: privateKey };
  return clientAuthority === undefined
    ? pair
    : { ...pair, ca: clientAuthority, requestCert: true, rejectUnauthorized: true };
}
