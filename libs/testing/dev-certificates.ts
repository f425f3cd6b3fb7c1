import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const script = fileURLToPath(new URL('../../../scripts/make-dev-certificates.mjs', import.meta.url));

export interface DevCertificates {
  readonly folder: string;
  /** What to set so that a process uses them. */
  readonly env: Readonly<Record<'GRPC_TLS_CERT' | 'GRPC_TLS_KEY' | 'GRPC_TLS_CA', string>>;
  /** What the files hold. */
  readonly tls: { readonly certificate: Buffer; readonly privateKey: Buffer; readonly authority: Buffer };
  dispose(): Promise<void>;
}

/** A new authority and a certificate of it for localhost and 127.0.0.1, made by the script that developers use. */
export async function makeDevCertificates(...names: readonly string[]): Promise<DevCertificates> {
  const folder = await mkdtemp(join(tmpdir(), 'polyscribe-certificates-'));
  await promisify(execFile)(process.execPath, [script, folder, ...names]);
  const env = {
    GRPC_TLS_CERT: join(folder, 'cert.pem'),
    GRPC_TLS_KEY: join(folder, 'key.pem'),
    GRPC_TLS_CA: join(folder, 'ca.pem'),
  };
  const tls = {
    certificate: await readFile(env.GRPC_TLS_CERT),
    privateKey: await readFile(env.GRPC_TLS_KEY),
    authority: await readFile(env.GRPC_TLS_CA),
  };
  return { folder, env, tls, dispose: () => rm(folder, { recursive: true, force: true }) };
}
