import { resolve } from 'node:path';
import type { EngineChoice } from '#contracts';
import type { RoutingSettings } from '#routing';
import { ConfigError } from './config-error.js';
import { type Env, envSchema } from './env-schema.js';
import { routingSettings } from './routing-settings.js';
import { type RivaSettings, rivaSettings } from './riva-settings.js';
import { type TlsFiles, readTlsFiles } from './tls-files.js';
import { type WhisperxSettings, whisperxSettings } from './whisperx-settings.js';

/** All settings as one typed tree, read once at the start. Times in milliseconds, sizes in bytes. */
export interface Config {
  readonly http: { readonly host: string; readonly port: number; readonly publicUrl: string | undefined };
  readonly grpc: { readonly host: string; readonly port: number };
  /** Mutual TLS of the registry and the engines; undefined means in the clear. */
  readonly innerTls: TlsFiles | undefined;
  /** Absolute. */
  readonly dataDir: string;
  /** undefined means the embedded twin. */
  readonly databaseUrl: string | undefined;
  /** undefined means the embedded twin. */
  readonly redisUrl: string | undefined;
  /** How long a job's events and its cached status are kept after it ended. */
  readonly jobTtlMs: number;
  /** undefined means the embedded twin. */
  readonly s3:
    | {
        readonly endpoint: string;
        readonly accessKey: string;
        readonly secretKey: string;
        readonly bucket: string;
        readonly tls: boolean;
        /** undefined asks the server. */
        readonly region: string | undefined;
        /** The bucket in the path of URLs, not in the host name. */
        readonly pathStyle: boolean;
        /** Where clients reach the server, for the links they get; undefined means the endpoint. */
        readonly publicUrl: string | undefined;
      }
    | undefined;
  readonly defaultEngine: EngineChoice;
  readonly routing: RoutingSettings;
  /** How many resumable uploads, and how much of them, may wait for their job at once. */
  readonly uploads: { readonly maxOpen: number; readonly maxOpenBytes: number };
  readonly limits: { readonly maxFileBytes: number; readonly jobTimeoutMs: number; readonly mediaTtlMs: number };
  readonly ffmpeg: { readonly ffmpegPath: string; readonly ffprobePath: string; readonly timeoutMs: number };
  /** Calls to addresses that a client named. */
  readonly outbound: {
    /** `host` or `host:port`; these may be called though they are not on the public internet. */
    readonly allowedHosts: readonly string[];
    /** Longest fetch of a recording that was submitted by its URL. */
    readonly fetchTimeoutMs: number;
  };
  readonly webhooks: {
    /** `whsec_...`, signs what goes to the `callback_url` of a job; undefined leaves that unsigned. */
    readonly secret: string | undefined;
    /** Whether a `callback_url` hears of failures too. */
    readonly onError: boolean;
  };
  readonly worker: {
    readonly maxConcurrency: number;
    /** Decoded audio that one job may hold in memory, in bytes. */
    readonly spanMemoryBytes: number;
    /** Whether slow calls for short files are made at a second engine as well. */
    readonly hedge: boolean;
  };
  /** Workers elsewhere that take jobs by webhook. */
  readonly remoteWorkers: {
    /** How long one may be silent before the job is offered again. */
    readonly leaseMs: number;
    /** How long an offer stands. */
    readonly offerMs: number;
  };
  readonly registry: {
    /** host:port of the registry, or of each of its replicas with commas between them; undefined means in this process. */
    readonly url: string | undefined;
    readonly host: string;
    readonly port: number;
  };
  readonly engine: {
    readonly host: string;
    readonly port: number;
    /** host:port that workers use, where it is not the one bound. */
    readonly advertiseAddress: string | undefined;
    readonly localModel: 'tiny' | 'base';
  };
  /** undefined means that there is no Riva. */
  readonly riva: RivaSettings | undefined;
  /** undefined means that there is no Whisper server. */
  readonly whisperx: WhisperxSettings | undefined;
  /** Where each process serves its metrics; undefined means nowhere but at the gateway's HTTP server. */
  readonly metrics: { readonly host: string; readonly port: number | undefined };
  readonly logLevel: Env['LOG_LEVEL'];
}

/**
 * Reads the configuration.
 *
 * @throws ConfigError naming every bad variable and what it must be; values are left out, they may be secrets.
 */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const parsed = envSchema.safeParse(env);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
    throw new ConfigError(`Bad configuration: ${lines.join('; ')}.`);
  }
  const e = parsed.data;
  return {
    http: { host: e.HOST, port: e.PORT, publicUrl: e.APP_URL },
    grpc: { host: e.HOST, port: e.GRPC_PORT },
    innerTls: readTlsFiles(e),
    dataDir: resolve(e.DATA_DIR),
    databaseUrl: e.DATABASE_URL,
    redisUrl: e.REDIS_URL,
    jobTtlMs: e.REDIS_JOB_TTL,
    s3: s3Settings(e),
    defaultEngine: e.DEFAULT_TRANSCRIPTION_ENGINE,
    routing: routingSettings(e),
    limits: { maxFileBytes: e.MAX_FILE_SIZE, jobTimeoutMs: e.JOB_TIMEOUT, mediaTtlMs: e.MEDIA_TTL },
    uploads: { maxOpen: e.MAX_OPEN_UPLOADS, maxOpenBytes: e.MAX_OPEN_UPLOAD_BYTES },
    ffmpeg: { ffmpegPath: e.FFMPEG_PATH, ffprobePath: e.FFPROBE_PATH, timeoutMs: e.FFMPEG_TIMEOUT },
    outbound: { allowedHosts: e.URL_ALLOWED_HOSTS, fetchTimeoutMs: e.URL_FETCH_TIMEOUT },
    webhooks: { secret: e.WEBHOOK_SECRET, onError: e.WEBHOOK_ON_ERROR },
    worker: { maxConcurrency: e.MAX_CONCURRENCY, spanMemoryBytes: e.SPAN_MEMORY, hedge: e.HEDGE },
    remoteWorkers: { leaseMs: e.REMOTE_WORKER_LEASE, offerMs: e.REMOTE_OFFER_TIME },
    registry: { url: e.ENGINE_REGISTRY_URL, host: e.HOST, port: e.ENGINE_REGISTRY_PORT },
    engine: {
      host: e.HOST,
      port: e.ENGINE_PORT,
      advertiseAddress: e.ENGINE_ADVERTISE_ADDRESS,
      localModel: e.LOCAL_MODEL,
    },
    riva: rivaSettings(e),
    whisperx: whisperxSettings(e),
    metrics: { host: e.HOST, port: e.METRICS_PORT },
    logLevel: e.LOG_LEVEL,
  };
}

function s3Settings(e: Env): Config['s3'] {
  if (e.MINIO_ENDPOINT === undefined) return undefined;
  if (e.MINIO_ACCESS_KEY === undefined || e.MINIO_SECRET_KEY === undefined) {
    throw new ConfigError(
      'Bad configuration: MINIO_ACCESS_KEY and MINIO_SECRET_KEY must be set where MINIO_ENDPOINT is.',
    );
  }
  return {
    endpoint: e.MINIO_ENDPOINT,
    accessKey: e.MINIO_ACCESS_KEY,
    secretKey: e.MINIO_SECRET_KEY,
    bucket: e.MINIO_BUCKET_NAME,
    tls: e.MINIO_USE_SSL,
    region: e.MINIO_REGION,
    pathStyle: e.MINIO_PATH_STYLE,
    publicUrl: e.MINIO_PUBLIC_URL,
  };
}
