import { ChannelCredentials, ServerCredentials } from '@grpc/grpc-js';

/** Mutual TLS inside the mesh: who shows no certificate of the authority is not served, and not called. All are PEM. */
export interface GrpcTls {
  /** Own certificate, with those between it and the authority. Shown by servers and by clients. */
  readonly certificate: Buffer;
  readonly privateKey: Buffer;
  /** The one authority whose certificates are believed. */
  readonly authority: Buffer;
}

/**
 * What a client shows and believes; all are PEM. Without an authority those of the system are believed, without a
 * certificate none is shown.
 */
export type GrpcClientTls = { readonly [File in keyof GrpcTls]?: GrpcTls[File] | undefined };

/** undefined serves in the clear. */
export function serverCredentials(tls: GrpcTls | undefined): ServerCredentials {
  if (!tls) return ServerCredentials.createInsecure();
  const pair = { private_key: tls.privateKey, cert_chain: tls.certificate };
  return ServerCredentials.createSsl(tls.authority, [pair], true);
}

/** undefined calls in the clear. */
export function channelCredentials(tls: GrpcClientTls | undefined): ChannelCredentials {
  if (!tls) return ChannelCredentials.createInsecure();
  return ChannelCredentials.createSsl(tls.authority ?? null, tls.privateKey ?? null, tls.certificate ?? null);
}
