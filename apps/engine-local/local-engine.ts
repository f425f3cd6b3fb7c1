import { availableParallelism } from 'node:os';
import {
  type EngineCapabilities,
  type EngineDescription,
  type EngineEvent,
  type EngineRequest,
  SpeechEngine,
} from '#contracts';
import { admitRequest } from '#engine-host';
import type { Logger } from '#telemetry';
import type { InferenceResult, InferenceTask } from './inference-task.js';
import { type LocalModel, isLocalModel, localModels } from './model-files.js';
import { Recognition } from './recognition.js';
import { Transcription } from './transcription.js';
import { WorkerPool } from './worker-pool.js';

export interface LocalEngineOptions {
  /** The model taken when a request names none; the other is loaded when it is first asked for. */
  readonly model: LocalModel;
  readonly logger: Logger;
  /** Inference threads; by default one for each core, at most 4. */
  readonly threads?: number;
}

const MAX_THREADS = 4;

/** Calls at once. They share the threads, so that more of them are served no faster. */
const MAX_CONCURRENCY = 4;

/** Embedded speech recognition on this machine's CPU: Moonshine for English, with Silero VAD before it. */
export class LocalEngine extends SpeechEngine {
  private readonly pool: WorkerPool<InferenceTask, InferenceResult>;
  private readonly recognition: Recognition;
  private started = false;

  constructor(private readonly options: LocalEngineOptions) {
    super();
    this.pool = new WorkerPool({
      module: new URL('./inference.worker.js', import.meta.url),
      workerData: { model: options.model },
      threads: options.threads ?? Math.min(MAX_THREADS, availableParallelism()),
      logger: options.logger,
    });
    this.recognition = new Recognition(this.pool);
  }

  override async start(): Promise<void> {
    await this.pool.start();
    this.started = true;
  }

  override async stop(): Promise<void> {
    this.started = false;
    await this.pool.stop();
  }

  describe(): EngineDescription {
    const { trouble } = this.pool;
    return {
      engine: 'local',
      capabilities: this.capabilities,
      health: trouble
        ? { state: 'unavailable', reason: trouble }
        : this.started
          ? { state: 'serving', reason: '' }
          : { state: 'starting', reason: 'The speech models are being loaded.' },
      backendUri: '',
      version: '1',
    };
  }

  async *transcribe(
    request: EngineRequest,
    audio: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): AsyncGenerator<EngineEvent> {
    const { model, warnings } = admitRequest(withModel(request), this.capabilities);
    for (const warning of warnings) yield { type: 'warning', warning };
    const recognition = this.recognition.join(isLocalModel(model) ? model : this.options.model);
    yield* new Transcription(this.pool, recognition, audio, signal).events();
  }

  private get capabilities(): EngineCapabilities {
    return {
      languages: ['en'],
      models: localModels,
      defaultModel: this.options.model,
      languageDetection: false,
      wordTimestamps: false,
      diarization: false,
      phraseBoosting: false,
      partialResults: false,
      translation: false,
      confidence: false,
      punctuationControl: false,
      profanityFilter: false,
      verbatim: false,
      maxAudioMs: undefined,
      maxConcurrency: MAX_CONCURRENCY,
    };
  }
}

/** Profile `fast` without a model takes `tiny`: nearly twice the speed for more wrong words. */
function withModel(request: EngineRequest): EngineRequest {
  return request.model === undefined && request.profile === 'fast' ? { ...request, model: 'tiny' } : request;
}
