import { setTimeout as delay } from 'node:timers/promises';
import { type EngineDescription, type EngineEvent, type EngineRequest, pcmBytesToMs, SpeechEngine } from '#contracts';
import { hostEngine } from '#engine-host';
import { runProcess } from '#service-host';

/**
 * An engine that only counts samples, as a process of its own: what a job costs with it is the cost of the mesh. Says one
 * word for each span, so that there is a segment to write. Environment, all optional:
 *
 * - `WORK_MS`: ends a call no earlier than so many milliseconds for each second of audio after the first of it came,
 *   without using a processor
 * - `MODELS`: names of models, with commas between them
 * - `CALLS`: calls at once
 */
const WORK_MS = Number(process.env['WORK_MS'] ?? 0);
const MODELS = (process.env['MODELS'] ?? 'counting').split(',');
const CALLS = Number(process.env['CALLS'] ?? 64);

class CountingEngine extends SpeechEngine {
  override describe(): EngineDescription {
    return {
      engine: 'local',
      capabilities: {
        languages: ['*'],
        models: MODELS,
        defaultModel: MODELS[0] ?? '',
        languageDetection: true,
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
        maxConcurrency: CALLS,
      },
      health: { state: 'serving', reason: '' },
      backendUri: '',
      version: 'counting',
    };
  }

  override async *transcribe(
    { model = MODELS[0] ?? '' }: EngineRequest,
    audio: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): AsyncGenerator<EngineEvent> {
    let bytes = 0;
    let began = Number.NaN;
    for await (const chunk of audio) {
      if (bytes === 0) began = performance.now();
      bytes += chunk.length;
    }
    const audioMs = pcmBytesToMs(bytes);
    const leftMs = began + (audioMs / 1000) * WORK_MS - performance.now();
    if (leftMs > 0) await delay(leftMs, undefined, { signal });
    if (audioMs > 0) yield { type: 'segment', segment: { startMs: 0, endMs: Math.floor(audioMs), text: 'counted' } };
    yield { type: 'summary', language: 'en', model, audioMs };
  }
}

await runProcess('engine-counting', [
  {
    name: 'engine-counting',
    needs: ['registry'],
    provides: [],
    start: (context) => hostEngine({ engine: new CountingEngine(), context }),
  },
]);
