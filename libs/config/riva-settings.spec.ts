import { type DevCertificates, makeDevCertificates } from '#testing';
import { loadConfig } from './config.js';

const RIVA_URI = 'riva-1:50051, riva-2:50051';

describe('the settings of Riva', () => {
  let certificates: DevCertificates;
  beforeAll(async () => {
    certificates = await makeDevCertificates();
  });
  afterAll(() => certificates.dispose());

  it('are absent where RIVA_URI is', () => {
    expect(loadConfig({}).riva).toBeUndefined();
    expect(loadConfig({ RIVA_URI: '', RIVA_API_KEY: 'nvapi-key' }).riva).toBeUndefined();
  });

  it('have working defaults', () => {
    expect(loadConfig({ RIVA_URI }).riva).toMatchObject({
      uri: RIVA_URI,
      tls: undefined,
      modelType: 'online',
      language: 'en-US',
      diarization: true,
      confidence: false,
      boosts: [],
      maxMessageBytes: 64 * 1024 * 1024,
      timeoutMs: 60_000,
    });
  });

  it('take boosts for all models, or for each by its name', () => {
    expect(loadConfig({ RIVA_URI, RIVA_BOOST: '20' }).riva?.boosts).toEqual([{ pattern: '*', boost: 20 }]);
    expect(loadConfig({ RIVA_URI, RIVA_BOOST: '*rnnt* = 3, canary*=off,-5' }).riva?.boosts).toEqual([
      { pattern: '*rnnt*', boost: 3 },
      { pattern: 'canary*', boost: 'off' },
      { pattern: '*', boost: -5 },
    ]);
  });

  it.each(['much', '=3', 'a=b', 'a=1=2', '1e9', ',', 'a='])('refuse the boost %j', (RIVA_BOOST) => {
    expect(() => loadConfig({ RIVA_URI, RIVA_BOOST })).toThrow(/RIVA_BOOST must be a number, or MODEL=NUMBER/);
  });

  it('never send the key in the clear, and never print it', () => {
    const load = () => loadConfig({ RIVA_URI, RIVA_API_KEY: 'nvapi-secret' });
    expect(load).toThrow(/RIVA_API_KEY must not travel in the clear; set RIVA_SSL/);
    expect(load).not.toThrow(/nvapi-secret/);
    const hosted = { RIVA_URI, RIVA_SSL: 'true', RIVA_API_KEY: 'nvapi-secret' };
    const functionId = '1598d209-5e27-4d3c-8079-4751568b1081';
    expect(loadConfig({ ...hosted, RIVA_FUNCTION_ID: functionId }).riva).toMatchObject({
      apiKey: 'nvapi-secret',
      functionId,
    });
  });

  it('use TLS with the authorities of the system, one of our own, or with a certificate', () => {
    const { GRPC_TLS_CA: ca, GRPC_TLS_CERT: cert, GRPC_TLS_KEY: key } = certificates.env;
    const { authority, certificate, privateKey } = certificates.tls;
    const none = { authority: undefined, certificate: undefined, privateKey: undefined };
    expect(loadConfig({ RIVA_URI, RIVA_SSL: '1' }).riva?.tls).toEqual(none);
    expect(loadConfig({ RIVA_URI, RIVA_SSL_CA: ca }).riva?.tls).toEqual({ ...none, authority });
    const pair = { RIVA_SSL_CERT: cert, RIVA_SSL_KEY: key };
    expect(loadConfig({ RIVA_URI, RIVA_SSL_CA: ca, ...pair }).riva?.tls).toEqual({
      authority,
      certificate,
      privateKey,
    });
  });

  it('name the variable of a file that is missing or does not fit', () => {
    const { GRPC_TLS_CA: ca, GRPC_TLS_CERT: cert, GRPC_TLS_KEY: key } = certificates.env;
    expect(() => loadConfig({ RIVA_URI, RIVA_SSL_CA: '/nowhere' })).toThrow(/RIVA_SSL_CA must be the path of a file/);
    expect(() => loadConfig({ RIVA_URI, RIVA_SSL_CA: key })).toThrow(/RIVA_SSL_CA must hold a certificate/);
    expect(() => loadConfig({ RIVA_URI, RIVA_SSL_CERT: cert })).toThrow(/RIVA_SSL_CERT and RIVA_SSL_KEY must be set/);
    expect(() => loadConfig({ RIVA_URI, RIVA_SSL_CERT: ca, RIVA_SSL_KEY: key })).toThrow(
      /RIVA_SSL_KEY must be the private key of RIVA_SSL_CERT/,
    );
  });

  it.each([
    [{ RIVA_URI: 'nowhere' }, /RIVA_URI must be host:port/],
    [{ RIVA_FUNCTION_ID: '12' }, /RIVA_FUNCTION_ID must be a UUID/],
    [{ RIVA_LANGUAGE: 'English' }, /RIVA_LANGUAGE must be a language such as en-US/],
    [{ RIVA_MODEL_TYPE: 'both' }, /RIVA_MODEL_TYPE must be online or offline/],
    [{ RIVA_MAX_STREAMS: '0' }, /RIVA_MAX_STREAMS must be a whole number/],
  ])('refuse %j', (env, message) => {
    expect(() => loadConfig({ RIVA_URI, ...env })).toThrow(message);
  });
});
