import type { Env } from './env-schema.js';
import type { WhisperxDialect } from './whisperx-values.js';

/** Where the Whisper servers are and how they are used. */
export interface WhisperxSettings {
  /** Base URLs without credentials; each becomes an engine instance of its own. */
  readonly servers: readonly string[];
  readonly dialect: WhisperxDialect;
  /** Sent as a bearer token. */
  readonly apiKey: string | undefined;
  /** undefined asks the servers. */
  readonly availableModels: readonly string[] | undefined;
  /** The model of requests that name none. */
  readonly defaultModel: string;
  /** Longest call. */
  readonly timeoutMs: number;
  /** Calls at once on each server; undefined takes what suits the dialect. */
  readonly concurrency: number | undefined;
}

/** @returns undefined when no server is configured */
export function whisperxSettings(e: Env): WhisperxSettings | undefined {
  if (e.WHISPERX_SERVICE_URL === undefined) return undefined;
  return {
    servers: e.WHISPERX_SERVICE_URL,
    dialect: e.WHISPERX_DIALECT,
    apiKey: e.WHISPERX_API_KEY,
    availableModels: e.WHISPERX_AVAILABLE_MODELS,
    defaultModel: e.WHISPERX_DEFAULT_MODEL,
    timeoutMs: e.WHISPERX_TIMEOUT,
    concurrency: e.WHISPERX_CONCURRENCY,
  };
}
