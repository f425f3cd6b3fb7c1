import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino';

/** Structured JSON logger (pino). Bind what identifies a line (`jobId`, `instance`) with `child`. */
export type Logger = PinoLogger;

/** Fields that could carry credentials wherever they appear one level deep. */
const secretFields = ['authorization', 'cookie', 'password', 'secret', 'secretKey', 'accessKey', 'token', 'apiKey'];

/**
 * Makes the process's logger. Lines go to standard error, so that standard output stays free for results.
 *
 * Transcript text is personal data and is never logged.
 */
export function createLogger(name: string, level: string, destination?: DestinationStream): Logger {
  return pino(
    { name, level, redact: { paths: secretFields.flatMap((field) => [field, `*.${field}`]), censor: '[secret]' } },
    destination ?? pino.destination({ fd: 2, sync: true }),
  );
}
