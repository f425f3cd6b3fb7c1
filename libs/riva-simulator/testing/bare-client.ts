import { ChannelCredentials } from '@grpc/grpc-js';
import { type Channel, ClientError, Metadata, createChannel, createClient } from 'nice-grpc';
import { healthV1, riva } from '#protos';

/** What came of a stream. */
export interface StreamOutcome {
  readonly responses: readonly riva.StreamingRecognizeResponse[];
  readonly finals: readonly riva.SpeechRecognitionAlternative[];
  readonly interims: readonly riva.StreamingRecognitionResult[];
  /** `INTERNAL: what the server said`; undefined where the stream ended well. */
  readonly error: string | undefined;
}

export interface StreamCall {
  readonly chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  readonly config?: Partial<riva.RecognitionConfig>;
  readonly interims?: boolean;
  readonly id?: string;
  readonly metadata?: Metadata;
  readonly signal?: AbortSignal;
}

/** A client that does nothing but send and receive, so that what shows is the server's doing. */
export class BareClient {
  readonly asr: riva.RivaSpeechRecognitionClient;
  readonly health: healthV1.HealthClient;
  private readonly channel: Channel;

  constructor(address: string, credentials: ChannelCredentials = ChannelCredentials.createInsecure()) {
    this.channel = createChannel(address, credentials, { 'grpc.use_local_subchannel_pool': 1 });
    this.asr = createClient(riva.RivaSpeechRecognitionDefinition, this.channel);
    this.health = createClient(healthV1.HealthDefinition, this.channel);
  }

  close(): void {
    this.channel.close();
  }

  async stream(call: StreamCall): Promise<StreamOutcome> {
    const responses: riva.StreamingRecognizeResponse[] = [];
    let error: string | undefined;
    const { metadata = Metadata(), signal = new AbortController().signal } = call;
    try {
      const stream = this.asr.streamingRecognize(requestsOf(call), { metadata, signal });
      for await (const response of stream) responses.push(response);
    } catch (thrown) {
      error = thrown instanceof ClientError ? thrown.message.replace(/^\S+ /, '') : String(thrown);
    }
    const results = responses.flatMap((response) => response.results);
    return {
      responses,
      error,
      finals: results.flatMap((result) => (result.isFinal ? result.alternatives.slice(0, 1) : [])),
      interims: results.filter((result) => !result.isFinal),
    };
  }
}

/** 16 kHz LINEAR_PCM in English. */
export function rivaConfig(wishes: Partial<riva.RecognitionConfig> = {}): riva.RecognitionConfig {
  return riva.RecognitionConfig.fromPartial({
    encoding: riva.AudioEncoding.LINEAR_PCM,
    sampleRateHertz: 16_000,
    audioChannelCount: 1,
    languageCode: 'en-US',
    ...wishes,
  });
}

async function* requestsOf({ chunks, config, interims = false, id }: StreamCall) {
  const opening = { config: rivaConfig(config), interimResults: interims };
  yield {
    streamingRequest: { $case: 'streamingConfig' as const, value: opening },
    ...(id !== undefined && { id: { value: id } }),
  };
  for await (const chunk of chunks) {
    yield { streamingRequest: { $case: 'audioContent' as const, value: Buffer.from(chunk) } };
  }
}
