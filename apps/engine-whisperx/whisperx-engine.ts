import {
  type EngineDescription,
  type EngineEvent,
  type EngineOption,
  type EngineRequest,
  PolyscribeError,
  SpeechEngine,
  WAITING_STAGE,
} from '#contracts';
import type { WhisperxDialect } from '#config';
import { admitRequest, failIfAborted } from '#engine-host';
import type { Logger } from '#telemetry';
import { WorkClock } from '#timing';
import { AudioBody } from './audio-body.js';
import type { DialectSettings } from './dialect.js';
import { dialects } from './dialects/index.js';
import { ServerClient } from './http/server-client.js';
import { withProfileModel } from './profiles.js';
import { ServerMonitor } from './server-monitor.js';

/** Loading models comes before the work. */
const LOADING_MS = 120_000;

/** Time at work for each millisecond of audio; as much as the worker waits. */
const WORK_MS_PER_AUDIO_MS = 2;

/** Before the kind of a server is known, nothing can be said against an option. */
const anyOption: readonly EngineOption[] = [{ name: '*', description: 'As the server takes it.', type: 'text' }];

export interface WhisperxEngineOptions extends DialectSettings {
  /** Base URL of one server. */
  readonly url: string;
  readonly dialect: WhisperxDialect;
  readonly apiKey: string | undefined;
  /** Longest call. */
  readonly timeoutMs: number;
  readonly logger: Logger;
}

/** One Whisper server behind HTTP. Which family it is of, and so how it is spoken to, is its dialect. */
export class WhisperxEngine extends SpeechEngine {
  private readonly server: ServerClient;
  private readonly monitor: ServerMonitor;
  private running = 0;
  private held = 0;

  /** @param loadingMs time at work beside that for the audio */
  constructor(
    private readonly options: WhisperxEngineOptions,
    private readonly loadingMs = LOADING_MS,
  ) {
    super();
    const { url, apiKey, dialect, timeoutMs, logger } = options;
    this.server = new ServerClient(url, apiKey);
    this.monitor = new ServerMonitor({
      server: this.server,
      dialect: dialect === 'auto' ? undefined : dialects[dialect],
      settings: options,
      timeoutMs,
      logger,
      isBusy: () => this.running + this.held > 0,
    });
  }

  override start(): Promise<void> {
    return this.monitor.start();
  }

  override stop(): Promise<void> {
    return this.monitor.stop();
  }

  override countHeldPlaces(): number {
    return this.held;
  }

  describe(): EngineDescription {
    const { dialect } = this.options;
    const { known } = this.monitor;
    const expected = dialects[dialect === 'auto' ? 'polyscribe' : dialect];
    const options = known?.dialect.options ?? (dialect === 'auto' ? anyOption : expected.options);
    return {
      engine: 'whisperx',
      capabilities: { ...(known?.profile.capabilities ?? expected.expected(this.options)), options },
      health: this.monitor.health,
      backendUri: this.server.address,
      version: '1',
    };
  }

  async *transcribe(
    request: EngineRequest,
    audio: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): AsyncGenerator<EngineEvent, void> {
    failIfAborted(signal);
    const { dialect, profile } = this.monitor.reached;
    const asked = withProfileModel(request, profile.capabilities);
    const admitted = admitRequest(asked, { ...profile.capabilities, options: dialect.options });
    for (const warning of admitted.warnings) yield { type: 'warning', warning };

    const { timeoutMs } = this.options;
    const clocks = { call: new WorkClock(timeoutMs), work: new WorkClock(this.workMs(request)) };
    const late = AbortSignal.any([clocks.call.signal, clocks.work.signal]);
    const over = AbortSignal.any([signal, late]);
    const body = new AudioBody(audio, over);
    this.running += 1;
    try {
      const opened = await body.begin();
      if (!opened) {
        yield { type: 'summary', language: request.language ?? 'und', model: admitted.model, audioMs: body.ms };
        return;
      }
      const { model, request: wanted } = admitted;
      const hold = (work: Promise<void>): void => this.hold(work);
      const call = { server: this.server, profile, request: wanted, model, audio: opened, body, timeoutMs, hold };
      for await (const event of dialect.transcribe({ ...call, signal: over })) {
        if (event.type === 'progress' && event.stage === WAITING_STAGE) clocks.work.pause();
        else clocks.work.run();
        yield event;
      }
    } catch (error) {
      if (!late.aborted || signal.aborted) throw this.noted(error);
      throw tooLate(clocks.call.signal.aborted ? timeoutMs : this.workMs(request));
    } finally {
      this.running -= 1;
      clocks.call.stop();
      clocks.work.stop();
      body.close();
    }
  }

  private workMs({ audioMs }: EngineRequest): number {
    const { timeoutMs } = this.options;
    if (audioMs === undefined) return timeoutMs;
    return Math.min(timeoutMs, this.loadingMs + WORK_MS_PER_AUDIO_MS * audioMs);
  }

  private noted(error: unknown): unknown {
    if (error instanceof PolyscribeError && error.code === 'engine_unavailable') this.monitor.callFailed();
    return error;
  }

  /** Keeps a place taken for work that goes on at the server. */
  private hold(work: Promise<void>): void {
    this.held += 1;
    void work.finally(() => (this.held -= 1));
  }
}

function tooLate(timeoutMs: number): PolyscribeError {
  const seconds = String(Math.round(timeoutMs / 1000));
  return new PolyscribeError('engine_timeout', `The WhisperX server did not finish within ${seconds} s.`);
}
