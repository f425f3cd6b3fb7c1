import { setTimeout as delay } from 'node:timers/promises';
import { type EngineEvent, PolyscribeError, type TranscriptWarning, msToPcmBytes, normalizeLanguage } from '#contracts';
import type { riva } from '#protos';
import { backoffMs } from '#timing';
import { AudioFeed, END } from './audio-feed.js';
import type { RivaCallSettings } from './attempt.js';
import { offlineAttempt } from './offline-attempt.js';
import type { RivaBackend } from './riva-backend.js';
import { type RivaFailure, failureOf } from './riva-errors.js';
import { type ModelType, detects, list } from './riva-models.js';
import { streamAttempt } from './stream-attempt.js';
import { TranscriptAssembly } from './transcript-assembly.js';

/** Ten minutes of audio since the last final: what breaks after more of it is mended by the worker, not here. */
const MAX_REPLAY_MS = 600_000;
/** Timers take no more; an upload that pauses is the engine host's to judge. */
const FOR_EVER_MS = 2_147_483_647;

const noSpeakers: TranscriptWarning = {
  code: 'no_speakers',
  message: 'Riva told no speakers apart. Its deployment may lack a diarizer.',
};

/** One call of the engine: one offline request, or a stream, and further ones from the last final on where it breaks. */
export class RivaCall {
  private readonly feed: AudioFeed;
  private readonly assembly: TranscriptAssembly;
  private type: ModelType;
  private config: riva.RecognitionConfig;
  /** Tries in a row without a final in between. */
  private failures = 0;
  private settledMs = 0;

  constructor(
    private readonly call: RivaCallSettings,
    audio: AsyncIterable<Uint8Array>,
  ) {
    const { request, settings, model, config } = call;
    this.type = model.type;
    this.config = config;
    this.feed = new AudioFeed(audio, this.isOffline ? settings.maxMessageBytes : msToPcmBytes(MAX_REPLAY_MS));
    this.assembly = new TranscriptAssembly({
      wordTimestamps: request.wordTimestamps,
      diarization: request.diarization !== undefined,
      partialResults: request.partialResults,
      confidence: settings.confidence,
    });
  }

  /** @throws PolyscribeError by the table of `rivaFailure`, or `cancelled`; what the source of the audio throws */
  async *events(): AsyncGenerator<EngineEvent, void> {
    const { signal, model, request } = this.call;
    try {
      // A call without audio is an error to servers, but silence to us.
      if ((await this.feed.read(0, FOR_EVER_MS, signal)) !== END) yield* this.recognise();
    } catch (thrown) {
      if (signal.aborted) throw new PolyscribeError('cancelled', 'The call was cancelled.', { cause: thrown });
      throw this.feed.failure ? this.feed.failure.thrown : thrown;
    } finally {
      this.feed.close();
    }
    const { heardMs } = this.feed;
    yield* this.assembly.finish(heardMs);
    if (this.assembly.lacksSpeakers) yield { type: 'warning', warning: noSpeakers };
    const asked = detects(model.languageCode) ? request.language : model.languageCode;
    const language = this.assembly.language ?? normalizeLanguage(asked ?? 'und') ?? 'und';
    yield { type: 'summary', language, model: model.name, audioMs: heardMs };
  }

  private get isOffline(): boolean {
    return this.type === 'offline';
  }

  private async *recognise(): AsyncGenerator<EngineEvent, void> {
    for (;;) {
      const failure = yield* this.attempt();
      if (!failure) return;
      await this.prepareRetry(failure);
    }
  }

  private async *attempt(): AsyncGenerator<EngineEvent, RivaFailure | undefined> {
    const { backends, model } = this.call;
    let backend: RivaBackend;
    try {
      backend = backends.take(model);
    } catch (thrown) {
      // What has not begun is better off on another engine at once.
      if (this.failures === 0 || !(thrown instanceof PolyscribeError)) throw thrown;
      return { ...failureOf('unreachable', 'all addresses'), error: thrown };
    }
    try {
      const { feed, assembly, config } = this;
      const attempt = { ...this.call, backend, feed, assembly, config };
      const failure = yield* this.isOffline ? offlineAttempt(attempt) : streamAttempt(attempt);
      if (failure) backend.noteFailure(failure, this.call.request.requestId);
      return failure;
    } finally {
      backends.giveBack(backend);
    }
  }

  /** Waits before the next try. @throws the failure's error when there is to be none */
  private async prepareRetry(failure: RivaFailure): Promise<void> {
    this.assembly.forgetInterim();
    if (failure.kind === 'unavailable_model') {
      this.streamInstead(failure);
      return;
    }
    const { settledMs } = this.assembly;
    if (settledMs === undefined || !this.feed.canReadFrom(msToPcmBytes(settledMs))) throw failure.error;
    if (settledMs > this.settledMs) this.failures = 0;
    this.settledMs = settledMs;
    this.failures += 1;
    if (this.failures > failure.retries) throw failure.error;
    const { firstRetryMs, mostRetryMs } = this.call.timing;
    const waitMs = backoffMs(this.failures, firstRetryMs, mostRetryMs);
    await delay(waitMs, undefined, { signal: this.call.signal });
  }

  /** Some deployments list models for files and then serve them in streams alone. @throws what there is, where it is a stream */
  private streamInstead({ error }: RivaFailure): void {
    const { backends, request } = this.call;
    if (!this.isOffline) {
      throw new PolyscribeError(error.code, `${error.message} It has ${list(backends.models)}.`, {
        cause: error.cause,
      });
    }
    this.type = 'online';
    // The name was that of a model for files; language and type find the one for streams, unless it was asked for.
    if (request.model === undefined) this.config = { ...this.config, model: '' };
  }
}
