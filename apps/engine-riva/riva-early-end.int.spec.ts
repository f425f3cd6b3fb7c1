import { riva } from '#protos';
import { type ServiceImplementation, createServer } from 'nice-grpc';
import { rivaEngine, transcribed } from './testing/simulated-riva.js';
import { longSpeech } from './testing/long-speech.js';

/** Ends its streams in good order though the audio goes on, as servers do that are being stopped. */
function leaving(answers: number): ServiceImplementation<riva.RivaSpeechRecognitionDefinition> {
  return {
    recognize: () => Promise.resolve({}),
    async *streamingRecognize(requests) {
      let heard = 0;
      for await (const { streamingRequest } of requests) {
        if (streamingRequest?.$case === 'audioContent') heard += 1;
        if (heard >= answers) return;
      }
      yield {
        results: [{ isFinal: true, alternatives: [{ transcript: 'all of it', words: [{ word: 'x', endTime: 9 }] }] }],
      };
    },
    getRivaSpeechRecognitionConfig: () =>
      Promise.resolve({ modelConfig: [{ modelName: 'm', parameters: { type: 'online', language_code: 'en-US' } }] }),
  };
}

describe('a stream that the server ends in good order too early', () => {
  async function outcome(answers: number): Promise<readonly string[]> {
    const server = createServer();
    server.add(riva.RivaSpeechRecognitionDefinition, leaving(answers));
    const port = await server.listen('127.0.0.1:0');
    const engine = rivaEngine({ RIVA_URI: `127.0.0.1:${port}` }, { firstRetryMs: 5, mostRetryMs: 20 });
    await engine.start();
    try {
      return (await transcribed(engine, longSpeech.pcm)).texts;
    } finally {
      await engine.stop();
      server.forceShutdown();
    }
  }

  it('is not taken for the end of the audio', async () => {
    await expect(outcome(50)).rejects.toMatchObject({ code: 'engine_unavailable' });
    await expect(outcome(Infinity)).resolves.toEqual(['all of it']);
  });
});
