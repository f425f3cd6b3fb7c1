import type { BoostRule } from './boosts.js';
import { ConfigError } from './config-error.js';
import type { Env } from './env-schema.js';
import { checkCertificate, checkPair, readVariable } from './tls-files.js';

/** TLS of a client; PEM. What is undefined is the system's authorities, or no certificate of our own. */
export interface ClientTlsFiles {
  readonly authority: Buffer | undefined;
  /** Certificate and key are given together. */
  readonly certificate: Buffer | undefined;
  readonly privateKey: Buffer | undefined;
}

/** How the Riva adapter reaches its backends, and what it cannot learn from them. */
export interface RivaSettings {
  /** host:port of one backend, or of several with commas between them. */
  readonly uri: string;
  /** undefined means in the clear. */
  readonly tls: ClientTlsFiles | undefined;
  /** Sent as bearer token with each call. */
  readonly apiKey: string | undefined;
  /** Names the function of a hosted backend. */
  readonly functionId: string | undefined;
  /** Taken where a request names no model; undefined lets language and type decide. */
  readonly model: string | undefined;
  /** How the model is called, and its language, where the backend does not tell what it has. */
  readonly modelType: 'online' | 'offline';
  readonly language: string;
  /** Whether the backends were deployed with a diarizer, which they do not tell. */
  readonly diarization: boolean;
  /** Whether the models' confidences are probabilities; otherwise they are left out. */
  readonly confidence: boolean;
  readonly boosts: readonly BoostRule[];
  /** Calls at once for each backend. */
  readonly maxStreams: number;
  /** Largest message, either way. */
  readonly maxMessageBytes: number;
  /** How long a backend may keep us waiting. */
  readonly timeoutMs: number;
}

/** @throws ConfigError that names the variable */
export function rivaSettings(e: Env): RivaSettings | undefined {
  if (e.RIVA_URI === undefined) return undefined;
  const tls = tlsFiles(e);
  if (e.RIVA_API_KEY !== undefined && tls === undefined) {
    throw new ConfigError('Bad configuration: RIVA_API_KEY must not travel in the clear; set RIVA_SSL to true.');
  }
  return {
    uri: e.RIVA_URI,
    tls,
    apiKey: e.RIVA_API_KEY,
    functionId: e.RIVA_FUNCTION_ID,
    model: e.RIVA_MODEL,
    modelType: e.RIVA_MODEL_TYPE,
    language: e.RIVA_LANGUAGE,
    diarization: e.RIVA_DIARIZATION,
    confidence: e.RIVA_CONFIDENCE,
    boosts: e.RIVA_BOOST,
    maxStreams: e.RIVA_MAX_STREAMS,
    maxMessageBytes: e.RIVA_MAX_MESSAGE_SIZE,
    timeoutMs: e.RIVA_TIMEOUT,
  };
}

/** As in Riva's own clients, naming any file asks for TLS. */
function tlsFiles(e: Env): ClientTlsFiles | undefined {
  const { RIVA_SSL_CA: ca, RIVA_SSL_CERT: cert, RIVA_SSL_KEY: key } = e;
  if (!e.RIVA_SSL && ca === undefined && cert === undefined && key === undefined) return undefined;
  if ((cert === undefined) !== (key === undefined)) {
    throw new ConfigError('Bad configuration: RIVA_SSL_CERT and RIVA_SSL_KEY must be set together.');
  }
  const authority = ca === undefined ? undefined : readVariable('RIVA_SSL_CA', ca);
  if (authority) checkCertificate('RIVA_SSL_CA', authority);
  if (cert === undefined || key === undefined) return { authority, certificate: undefined, privateKey: undefined };
  const certificate = readVariable('RIVA_SSL_CERT', cert);
  const privateKey = readVariable('RIVA_SSL_KEY', key);
  checkCertificate('RIVA_SSL_CERT', certificate);
  checkPair({ certificate: 'RIVA_SSL_CERT', privateKey: 'RIVA_SSL_KEY' }, { certificate, privateKey, authority });
  return { authority, certificate, privateKey };
}
