import { riva } from '#protos';
import { eventually } from '#testing';
import { type ServiceImplementation, createServer } from 'nice-grpc';
import { longSpeech } from './testing/long-speech.js';
import { inChunks, rivaEngine, transcribed } from './testing/simulated-riva.js';

/** Ends its streams in good order after so many pieces of audio, as servers do that are being stopped. */
class LeavingServer {
  streams = 0;
  private readonly server = createServer();

  constructor(private readonly pieces: number) {
    this.server.add(riva.RivaSpeechRecognitionDefinition, this.implementation());
  }

  async listen(): Promise<string> {
    return `127.0.0.1:${await this.server.listen('127.0.0.1:0')}`;
  }

  stop(): void {
    this.server.forceShutdown();
  }

  private implementation(): ServiceImplementation<riva.RivaSpeechRecognitionDefinition> {
    const heard = async (requests: AsyncIterable<riva.StreamingRecognizeRequest>): Promise<boolean> => {
      let pieces = 0;
      for await (const { streamingRequest } of requests) {
        if (streamingRequest?.$case === 'audioContent') pieces += 1;
        if (pieces >= this.pieces) return false;
      }
      return true;
    };
    const words = [{ word: 'all', endTime: 9 }];
    const final = { isFinal: true, alternatives: [{ transcript: 'all of it', words }] };
    const parameters = { type: 'online', language_code: 'en-US' };
    const close = () => (this.streams += 1);
    return {
      recognize: () => Promise.resolve({}),
      async *streamingRecognize(requests) {
        if (await heard(requests)) yield { results: [final] };
        close();
      },
      getRivaSpeechRecognitionConfig: () => Promise.resolve({ modelConfig: [{ modelName: 'm', parameters }] }),
    };
  }
}

describe('a stream that the server ends in good order while audio still comes', () => {
  async function outcome(pieces: number): Promise<readonly string[]> {
    const server = new LeavingServer(pieces);
    const engine = rivaEngine({ RIVA_URI: await server.listen() }, { firstRetryMs: 5, mostRetryMs: 20 });
    await engine.start();
    /** As from a microphone: the rest comes once the server has left. */
    async function* live(): AsyncGenerator<Uint8Array, void> {
      yield* inChunks(longSpeech.pcm);
      if (pieces < Infinity) await eventually('the server to give up', () => server.streams >= 4);
      yield* inChunks(longSpeech.pcm);
    }
    try {
      return (await transcribed(engine, live())).texts;
    } finally {
      await engine.stop();
      server.stop();
    }
  }

  it('is not taken for the end of the audio', async () => {
    await expect(outcome(50)).rejects.toMatchObject({ code: 'engine_unavailable' });
    await expect(outcome(Infinity)).resolves.toEqual(['all of it']);
  });
});
