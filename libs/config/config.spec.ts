import { ConfigError } from './config-error.js';
import { loadConfig } from './config.js';

describe('loadConfig', () => {
  it('needs nothing: every variable has a default', () => {
    const config = loadConfig({});
    expect(config.http).toEqual({ host: '127.0.0.1', port: 8000, publicUrl: undefined });
    expect(config.limits.maxFileBytes).toBe(500_000_000);
    expect(config.databaseUrl).toBeUndefined();
  });

  it('takes an empty variable for an unset one', () => {
    expect(loadConfig({ DATABASE_URL: '', PORT: '' }).http.port).toBe(8000);
  });

  it('turns seconds into milliseconds', () => {
    expect(loadConfig({ JOB_TIMEOUT: '60' }).limits.jobTimeoutMs).toBe(60_000);
  });

  it('names every bad variable at once and never its value', () => {
    const load = () => loadConfig({ PORT: 'eighty', DATABASE_URL: 'mysql://user:hunter2@db/x', LOCAL_MODEL: 'huge' });
    expect(load).toThrow(ConfigError);
    expect(load).toThrow(/PORT must be a port.*DATABASE_URL must be a URL.*LOCAL_MODEL must be tiny or base/);
    expect(load).not.toThrow(/hunter2|eighty|huge/);
  });

  it('takes several registries and checks the address of each', () => {
    const load = (addresses: string) => loadConfig({ ENGINE_REGISTRY_URL: addresses }).registry.url;
    expect(load('one:50060, [::1]:50060')).toBe('one:50060, [::1]:50060');
    for (const bad of ['one:50060,two', 'one:50060,', ',', 'one:50060;two:50060', 'one:50060,http://two:50060']) {
      expect(() => load(bad)).toThrow(/ENGINE_REGISTRY_URL must be host:port, or several/);
    }
  });

  it('takes an S3 server with what it needs, in path style unless told otherwise', () => {
    const s3 = {
      MINIO_ENDPOINT: 's3.example:443',
      MINIO_ACCESS_KEY: 'a',
      MINIO_SECRET_KEY: 'b',
      MINIO_USE_SSL: 'true',
    };
    expect(loadConfig(s3).s3).toMatchObject({ tls: true, region: undefined, pathStyle: true, publicUrl: undefined });
    const more = { MINIO_REGION: 'eu-central-1', MINIO_PATH_STYLE: 'false', MINIO_PUBLIC_URL: 'https://media.example' };
    expect(loadConfig({ ...s3, ...more }).s3).toMatchObject({
      region: 'eu-central-1',
      pathStyle: false,
      publicUrl: 'https://media.example',
    });
  });

  it('asks for both keys where the object store is set', () => {
    expect(() => loadConfig({ MINIO_ENDPOINT: 'minio:9000', MINIO_ACCESS_KEY: 'a' })).toThrow(/MINIO_SECRET_KEY/);
  });

  it('takes hosts that URLs of clients may name, and a secret of webhooks that is one', () => {
    expect(loadConfig({}).outbound.allowedHosts).toEqual([]);
    const hosts = ['media.intranet', '10.1.2.3:9000', '[fd00::1]:80'];
    expect(loadConfig({ URL_ALLOWED_HOSTS: `${hosts.join(', ')},` }).outbound.allowedHosts).toEqual(hosts);
    for (const bad of ['http://a', 'a/b', 'u@a', 'a:b', 'a b']) {
      expect(() => loadConfig({ URL_ALLOWED_HOSTS: bad })).toThrow(/URL_ALLOWED_HOSTS must be host/);
    }
    const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
    expect(loadConfig({ WEBHOOK_SECRET: secret }).webhooks).toEqual({ secret, onError: true });
    for (const bad of ['hunter2', 'whsec_', `whsec_${Buffer.alloc(23).toString('base64')}`, `${secret}%`]) {
      expect(() => loadConfig({ WEBHOOK_SECRET: bad })).toThrow(/^Bad configuration: WEBHOOK_SECRET must be whsec_/);
    }
  });
});
