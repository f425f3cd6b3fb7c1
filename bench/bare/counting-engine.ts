import { type EngineDescription, type EngineEvent, type EngineRequest, pcmBytesToMs, SpeechEngine } from '#contracts';
import { hostEngine } from '#engine-host';
import { runProcess } from '#service-host';

/**
 * An engine that only counts samples, as a process of its own: what a job costs with it is the cost of the mesh. Says one
 * word for each span, so that there is a segment to write.
 */
class CountingEngine extends SpeechEngine {
  override describe(): EngineDescription {
    return {
      engine: 'local',
      capabilities: {
        languages: ['*'],
        models: ['counting'],
        defaultModel: 'counting',
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
        maxConcurrency: 64,
      },
      health: { state: 'serving', reason: '' },
      backendUri: '',
      version: 'counting',
    };
  }

  override async *transcribe(_request: EngineRequest, audio: AsyncIterable<Uint8Array>): AsyncGenerator<EngineEvent> {
    let bytes = 0;
    for await (const chunk of audio) bytes += chunk.length;
    const audioMs = pcmBytesToMs(bytes);
    if (audioMs > 0) yield { type: 'segment', segment: { startMs: 0, endMs: Math.floor(audioMs), text: 'counted' } };
    yield { type: 'summary', language: 'en', model: 'counting', audioMs };
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
