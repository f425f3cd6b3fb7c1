import type { EngineCapabilities, EngineEvent, EngineHealth, EngineOption, EngineRequest } from '#contracts';
import type { AudioBody, OpenAudio } from './audio-body.js';
import type { ServerClient } from './http/server-client.js';

export const dialectNames = ['polyscribe', 'asr-webservice', 'openai', 'whisperx-fastapi'] as const;
export type DialectName = (typeof dialectNames)[number];

/** What the operator says about the servers. */
export interface DialectSettings {
  /** undefined asks the server, or leaves the default model where it does not tell. */
  readonly availableModels: readonly string[] | undefined;
  readonly defaultModel: string;
  /** Calls at once on each server; undefined takes what the dialect finds right. */
  readonly concurrency: number | undefined;
}

/** What one server can do, as it was found when it was last asked. */
export interface ServerProfile {
  readonly capabilities: EngineCapabilities;
  readonly health: EngineHealth;
  /** What the dialect has to remember about the server, by names of its own. */
  readonly traits: ReadonlySet<string>;
}

/** One call of a server. */
export interface DialectCall {
  readonly server: ServerClient;
  readonly profile: ServerProfile;
  /** What is left of the request after admission: it asks for nothing that the profile does not offer. */
  readonly request: EngineRequest;
  /** One of the profile's models, or empty. */
  readonly model: string;
  readonly audio: OpenAudio;
  /** Counts what was read of the audio. */
  readonly body: AudioBody;
  readonly signal: AbortSignal;
  /** The call's deadline; also how long work is waited for that goes on at a server though its call was given up. */
  readonly timeoutMs: number;
  /** Keeps the call's place at the server until the promise resolves. */
  readonly hold: (over: Promise<void>) => void;
}

/** How one family of servers is spoken to. */
export interface Dialect {
  readonly name: DialectName;
  /** What `engineOptions` may hold: it is passed on. */
  readonly options: readonly EngineOption[];
  /** The server answers nothing while it works: it is not asked how it is meanwhile. */
  readonly isDeafAtWork: boolean;
  /** What is declared until the server has been reached for the first time. */
  expected(settings: DialectSettings): EngineCapabilities;
  /**
   * Asks a server how it is and what it can do.
   *
   * @throws PolyscribeError when it is not reachable or is another kind of server
   */
  probe(server: ServerClient, settings: DialectSettings, signal: AbortSignal): Promise<ServerProfile>;
  /** The events of a call, as the SpeechEngine port has them; the summary is the last. */
  transcribe(call: DialectCall): AsyncIterable<EngineEvent>;
}
