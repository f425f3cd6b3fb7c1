import { Client } from 'minio';
import type { S3Transport } from './s3-transport.js';

export interface S3ClientSettings {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string | undefined;
  readonly pathStyle: boolean;
}

/** The URL of the server at host:port. */
export function serverAt(endpoint: string, tls: boolean): URL {
  return new URL(`${tls ? 'https' : 'http'}://${endpoint}`);
}

/** @param transport left out only for a client that signs and never calls */
export function createS3Client(server: URL, settings: S3ClientSettings, transport?: S3Transport): Client {
  const useSSL = server.protocol === 'https:';
  return new Client({
    endPoint: server.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: server.port === '' ? (useSSL ? 443 : 80) : Number(server.port),
    useSSL,
    accessKey: settings.accessKey,
    secretKey: settings.secretKey,
    pathStyle: settings.pathStyle,
    ...(settings.region !== undefined && { region: settings.region }),
    ...(transport && { transport }),
    // Calls are tried again by us, who know which ones and what to say about it.
    retryOptions: { disableRetry: true },
  });
}
