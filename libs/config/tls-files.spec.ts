import { X509Certificate } from 'node:crypto';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DevCertificates, makeDevCertificates } from '#testing';
import { ConfigError } from './config-error.js';
import { loadConfig } from './config.js';

describe('mutual TLS from the environment', () => {
  let ours: DevCertificates;
  let others: DevCertificates;
  let broken: string;

  beforeAll(async () => {
    [ours, others] = await Promise.all([makeDevCertificates('engine-registry', '::1'), makeDevCertificates()]);
    broken = join(ours.folder, 'broken.pem');
    await writeFile(broken, 'no certificate');
  });

  afterAll(() => Promise.all([ours.dispose(), others.dispose()]));

  it('is off unless it is asked for', () => {
    expect(loadConfig({}).innerTls).toBeUndefined();
    expect(loadConfig({ GRPC_TLS_CERT: '', GRPC_TLS_KEY: '', GRPC_TLS_CA: '' }).innerTls).toBeUndefined();
  });

  it('reads the files at the start', () => {
    expect(loadConfig(ours.env).innerTls).toEqual(ours.tls);
  });

  it.each(['GRPC_TLS_CERT', 'GRPC_TLS_KEY', 'GRPC_TLS_CA'])('needs %s with the others', (variable) => {
    expect(() => loadConfig({ ...ours.env, [variable]: '' })).toThrow(/must be set together/);
  });

  it.each(['GRPC_TLS_CERT', 'GRPC_TLS_KEY', 'GRPC_TLS_CA'])('says that %s names no file, and not which', (variable) => {
    const load = () => loadConfig({ ...ours.env, [variable]: '/no/such/file' });
    expect(load).toThrow(ConfigError);
    expect(load).toThrow(`${variable} must be the path of a file that can be read (ENOENT)`);
    expect(load).not.toThrow(/no\/such/);
  });

  it('says what is in the wrong file', () => {
    expect(() => loadConfig({ ...ours.env, GRPC_TLS_CERT: broken })).toThrow('GRPC_TLS_CERT must hold a certificate');
    expect(() => loadConfig({ ...ours.env, GRPC_TLS_CA: broken })).toThrow('GRPC_TLS_CA must hold a certificate');
    const notOurKey = { ...ours.env, GRPC_TLS_KEY: others.env.GRPC_TLS_KEY };
    expect(() => loadConfig(notOurKey)).toThrow('GRPC_TLS_KEY must be the private key of GRPC_TLS_CERT');
  });

  it('has development certificates whose keys are for their owner only', async () => {
    for (const name of ['key.pem', 'ca-key.pem']) {
      expect((await stat(join(ours.folder, name))).mode & 0o777).toBe(0o600);
    }
    const certificate = new X509Certificate(ours.tls.certificate);
    expect(certificate.checkHost('engine-registry')).toBe('engine-registry');
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(certificate.checkHost('elsewhere')).toBeUndefined();
  });
});
