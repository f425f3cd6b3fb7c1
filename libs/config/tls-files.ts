import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { ConfigError } from './config-error.js';

/** What the three files hold; PEM. */
export interface TlsFiles {
  readonly certificate: Buffer;
  readonly privateKey: Buffer;
  readonly authority: Buffer;
}

type Paths = Readonly<Partial<Record<'GRPC_TLS_CERT' | 'GRPC_TLS_KEY' | 'GRPC_TLS_CA', string | undefined>>>;

/**
 * Reads the files of mutual TLS and sees whether they fit together, so that a wrong one is told at the start and not by
 * calls that fail; undefined where no path is set.
 *
 * @throws ConfigError that names the variable
 */
export function readTlsFiles(paths: Paths): TlsFiles | undefined {
  const { GRPC_TLS_CERT: cert, GRPC_TLS_KEY: key, GRPC_TLS_CA: ca } = paths;
  if (cert === undefined && key === undefined && ca === undefined) return undefined;
  if (cert === undefined || key === undefined || ca === undefined) {
    throw new ConfigError('Bad configuration: GRPC_TLS_CERT, GRPC_TLS_KEY and GRPC_TLS_CA must be set together.');
  }
  const files = {
    certificate: readVariable('GRPC_TLS_CERT', cert),
    privateKey: readVariable('GRPC_TLS_KEY', key),
    authority: readVariable('GRPC_TLS_CA', ca),
  };
  checkCertificate('GRPC_TLS_CERT', files.certificate);
  checkCertificate('GRPC_TLS_CA', files.authority);
  checkPair({ certificate: 'GRPC_TLS_CERT', privateKey: 'GRPC_TLS_KEY' }, files);
  return files;
}

/** @throws ConfigError when the key is not that of the certificate */
export function checkPair(
  variables: { readonly certificate: string; readonly privateKey: string },
  files: { readonly certificate: Buffer; readonly privateKey: Buffer; readonly authority?: Buffer | undefined },
): void {
  try {
    const { certificate: cert, privateKey: key, authority } = files;
    createSecureContext({ cert, key, ...(authority && { ca: authority }) });
  } catch (error) {
    throw new ConfigError(
      `Bad configuration: ${variables.privateKey} must be the private key of ${variables.certificate}, unencrypted, as PEM.`,
      { cause: error },
    );
  }
}

/** @throws ConfigError that names the variable when there is no such file */
export function readVariable(variable: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new ConfigError(
      `Bad configuration: ${variable} must be the path of a file that can be read${codeOf(error)}.`,
      {
        cause: error,
      },
    );
  }
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? ` (${String(error.code)})` : '';
}

/** @throws ConfigError when the text is no certificate or one that has run out */
export function checkCertificate(variable: string, pem: Buffer): void {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch (error) {
    throw new ConfigError(`Bad configuration: ${variable} must hold a certificate as PEM.`, { cause: error });
  }
  if (Date.parse(certificate.validTo) < Date.now()) {
    throw new ConfigError(`Bad configuration: the certificate of ${variable} was valid until ${certificate.validTo}.`);
  }
}
