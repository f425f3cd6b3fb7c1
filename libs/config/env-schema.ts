import { normalizeLanguage } from '#contracts';
import { z } from 'zod';
import { BOOST_FORMS, parseBoosts } from './boosts.js';
import { COST_FORMS, parseCosts } from './engine-costs.js';
import { parseRedisUrl, REDIS_URL_FORMS } from './redis-url.js';
import { parseNames, parseServerUrls, whisperxDialects } from './whisperx-values.js';

/** An environment variable set to the empty string counts as unset, as compose files and shells produce it. */
function optional<T extends z.ZodType>(schema: T) {
  return z.preprocess((value) => (value === '' ? undefined : value), schema.optional());
}

function withDefault<T extends z.ZodType>(schema: T, value: z.output<T>) {
  return optional(schema).transform((parsed) => parsed ?? value);
}

const port = z.coerce.number({ error: 'must be a port from 0 to 65535' }).int().min(0).max(65_535);
const flag = z
  .enum(['true', 'false', '1', '0'], { error: 'must be true or false' })
  .transform((value) => value === 'true' || value === '1');

function wholeNumber(min: number, max: number) {
  const error = `must be a whole number from ${String(min)} to ${String(max)}`;
  return z.coerce.number({ error }).int({ error }).min(min, { error }).max(max, { error });
}

function seconds(max: number) {
  return wholeNumber(1, max).transform((value) => value * 1000);
}

function url(...protocols: string[]) {
  const error = `must be a URL that begins with ${protocols.join(' or ')}`;
  return z.string().refine((value) => URL.canParse(value) && protocols.some((p) => value.startsWith(p)), { error });
}

const redisUrl = z
  .string()
  .refine((value) => parseRedisUrl(value) !== undefined, { error: `must be ${REDIS_URL_FORMS}` });

const hostAndPort = z.string().regex(/^(\[[0-9a-fA-F:]+\]|[^\s:/]+):\d{1,5}$/, { error: 'must be host:port' });

/** One address or several with commas between them. */
const addresses = z
  .string()
  .refine((value) => value.split(',').every((address) => hostAndPort.safeParse(address.trim()).success), {
    error: 'must be host:port, or several of them with commas between',
  });

/** Host names and addresses, each with a port or without, with commas between them. */
const hostList = z
  .string()
  .transform((value) => value.split(',').flatMap((host) => (host.trim() === '' ? [] : [host.trim()])))
  .refine((hosts) => hosts.every((host) => /^(\[[0-9a-fA-F:.]+\]|[^\s:/@[\]]+)(:\d{1,5})?$/.test(host)), {
    error: 'must be host or host:port, or several of them with commas between',
  });

/** As Standard Webhooks writes secrets: 24 to 64 bytes. */
const webhookSecret = z.string().refine((value) => isWebhookSecret(value), {
  error: 'must be whsec_ and 24 to 64 random bytes as base64, such as "whsec_$(openssl rand -base64 32)" gives',
});

function isWebhookSecret(value: string): boolean {
  const [, base64 = ''] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(value) ?? [];
  const key = Buffer.from(base64, 'base64');
  return (
    key.length >= 24 && key.length <= 64 && key.toString('base64').replace(/=+$/, '') === base64.replace(/=+$/, '')
  );
}

/** A list that a function reads; undefined from it means that the text is none. */
function list(parse: (text: string) => string[] | undefined, error: string) {
  return z.string().transform((text, context) => {
    const parsed = parse(text);
    if (!parsed) context.addIssue({ code: 'custom', message: error });
    return parsed ?? [];
  });
}

/**
 * Every environment variable that Polyscribe reads, with its default. Unknown variables are ignored: the environment is
 * shared with others.
 */
export const envSchema = z.object({
  HOST: withDefault(z.string(), '127.0.0.1'),
  PORT: withDefault(port, 8000),
  GRPC_PORT: withDefault(port, 50050),
  APP_URL: optional(url('http://', 'https://')),
  DATA_DIR: withDefault(z.string(), './data'),

  DATABASE_URL: optional(url('postgres://', 'postgresql://')),
  REDIS_URL: optional(redisUrl),
  REDIS_JOB_TTL: withDefault(seconds(31_536_000), 3_600_000),
  MINIO_ENDPOINT: optional(hostAndPort),
  MINIO_ACCESS_KEY: optional(z.string()),
  MINIO_SECRET_KEY: optional(z.string()),
  MINIO_BUCKET_NAME: withDefault(z.string(), 'transcriptions'),
  MINIO_USE_SSL: withDefault(flag, false),
  MINIO_REGION: optional(z.string()),
  MINIO_PATH_STYLE: withDefault(flag, true),
  MINIO_PUBLIC_URL: optional(url('http://', 'https://')),

  DEFAULT_TRANSCRIPTION_ENGINE: withDefault(
    z.enum(['auto', 'asr', 'whisperx', 'local'], { error: 'must be auto, asr, whisperx or local' }),
    'auto',
  ),
  ROUTING_POLICY: optional(z.string()),
  ENGINE_COSTS: withDefault(
    z.string().transform((value, context) => {
      const costs = parseCosts(value);
      if (!costs) context.addIssue({ code: 'custom', message: `must be ${COST_FORMS}` });
      return costs ?? {};
    }),
    {},
  ),
  MAX_FILE_SIZE: withDefault(wholeNumber(1, Number.MAX_SAFE_INTEGER), 500_000_000),
  MAX_OPEN_UPLOADS: withDefault(wholeNumber(1, 1_000_000), 1_000),
  MAX_OPEN_UPLOAD_BYTES: withDefault(wholeNumber(1, Number.MAX_SAFE_INTEGER), 100_000_000_000),
  JOB_TIMEOUT: withDefault(seconds(604_800), 1_800_000),
  FFMPEG_TIMEOUT: withDefault(seconds(86_400), 300_000),
  FFMPEG_PATH: withDefault(z.string(), 'ffmpeg'),
  FFPROBE_PATH: withDefault(z.string(), 'ffprobe'),
  MAX_CONCURRENCY: withDefault(wholeNumber(1, 256), 2),
  SPAN_MEMORY: withDefault(wholeNumber(1, 17_179_869_184), 64_000_000),
  HEDGE: withDefault(flag, false),
  MEDIA_TTL: withDefault(seconds(31_536_000), 86_400_000),

  URL_ALLOWED_HOSTS: withDefault(hostList, []),
  URL_FETCH_TIMEOUT: withDefault(seconds(86_400), 600_000),
  WEBHOOK_SECRET: optional(webhookSecret),
  WEBHOOK_ON_ERROR: withDefault(flag, true),
  REMOTE_WORKER_LEASE: withDefault(seconds(86_400), 300_000),
  REMOTE_OFFER_TIME: withDefault(seconds(604_800), 900_000),

  ENGINE_REGISTRY_URL: optional(addresses),
  ENGINE_REGISTRY_PORT: withDefault(port, 50060),
  ENGINE_PORT: withDefault(port, 0),
  ENGINE_ADVERTISE_ADDRESS: optional(hostAndPort),
  LOCAL_MODEL: withDefault(z.enum(['tiny', 'base'], { error: 'must be tiny or base' }), 'base'),

  RIVA_URI: optional(addresses),
  RIVA_SSL: withDefault(flag, false),
  RIVA_SSL_CA: optional(z.string()),
  RIVA_SSL_CERT: optional(z.string()),
  RIVA_SSL_KEY: optional(z.string()),
  RIVA_API_KEY: optional(z.string().regex(/^[!-~]+$/, { error: 'must be printable ASCII without spaces' })),
  RIVA_FUNCTION_ID: optional(z.uuid({ error: 'must be a UUID' })),
  RIVA_MODEL: optional(z.string()),
  RIVA_MODEL_TYPE: withDefault(z.enum(['online', 'offline'], { error: 'must be online or offline' }), 'online'),
  RIVA_LANGUAGE: withDefault(
    z.string().refine((value) => ['multi', 'auto'].includes(value) || normalizeLanguage(value) !== undefined, {
      error: 'must be a language such as en-US, or multi or auto',
    }),
    'en-US',
  ),
  RIVA_DIARIZATION: withDefault(flag, true),
  RIVA_CONFIDENCE: withDefault(flag, false),
  RIVA_BOOST: withDefault(
    z.string().transform((value, context) => {
      const rules = parseBoosts(value);
      if (!rules) context.addIssue({ code: 'custom', message: `must be ${BOOST_FORMS}` });
      return rules ?? [];
    }),
    [],
  ),
  RIVA_MAX_STREAMS: withDefault(wholeNumber(1, 1_000), 16),
  RIVA_MAX_MESSAGE_SIZE: withDefault(wholeNumber(1_048_576, 1_073_741_824), 67_108_864),
  RIVA_TIMEOUT: withDefault(seconds(3_600), 60_000),

  WHISPERX_SERVICE_URL: optional(
    list(parseServerUrls, 'must be an http(s) URL without a password, or several different ones with commas between'),
  ),
  WHISPERX_DIALECT: withDefault(z.enum(whisperxDialects, { error: `must be ${whisperxDialects.join(', ')}` }), 'auto'),
  WHISPERX_API_KEY: optional(z.string().regex(/^[!-~]+$/, { error: 'must be printable ASCII without spaces' })),
  WHISPERX_AVAILABLE_MODELS: optional(list(parseNames, 'must be different names with commas between')),
  WHISPERX_DEFAULT_MODEL: withDefault(z.string().max(200), 'base'),
  WHISPERX_TIMEOUT: withDefault(seconds(86_400), 300_000),
  WHISPERX_CONCURRENCY: optional(wholeNumber(1, 256)),

  GRPC_TLS_CERT: optional(z.string()),
  GRPC_TLS_KEY: optional(z.string()),
  GRPC_TLS_CA: optional(z.string()),

  METRICS_PORT: optional(port),
  LOG_LEVEL: withDefault(
    z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      error: 'must be trace, debug, info, warn, error, fatal or silent',
    }),
    'info',
  ),
});

/** The names of all variables that are read. */
export const environmentVariables: readonly string[] = Object.keys(envSchema.shape);

export type Env = z.output<typeof envSchema>;
