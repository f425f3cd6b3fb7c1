import { ChannelCredentials } from '@grpc/grpc-js';
import { type CallOptions, type Channel, ClientError, Metadata, Status, createChannel, createClient } from 'nice-grpc';
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

  /** A configuration, then audio. */
  stream(call: StreamCall): Promise<StreamOutcome> {
    const { metadata = Metadata(), signal = new AbortController().signal } = call;
    return this.outcomeOf(requestsOf(call), { metadata, signal });
  }

  /** Whatever a test wants to send. */
  exchange(messages: readonly riva.StreamingRecognizeRequest[]): Promise<StreamOutcome> {
    return this.outcomeOf(asyncOf(messages), {});
  }

  private async outcomeOf(
    requests: AsyncIterable<riva.StreamingRecognizeRequest>,
    options: CallOptions,
  ): Promise<StreamOutcome> {
    const responses: riva.StreamingRecognizeResponse[] = [];
    let error: string | undefined;
    try {
      for await (const response of this.asr.streamingRecognize(requests, options)) responses.push(response);
    } catch (thrown) {
      error = describeError(thrown);
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

/** The first message of a stream. */
export function configMessage(
  config: Partial<riva.RecognitionConfig> = {},
  interimResults = false,
  id?: string,
): riva.StreamingRecognizeRequest {
  const opening = { config: rivaConfig(config), interimResults };
  return riva.StreamingRecognizeRequest.fromPartial({
    streamingRequest: { $case: 'streamingConfig', value: opening },
    ...(id !== undefined && { id: { value: id } }),
  });
}

export function audioMessage(audio: Uint8Array): riva.StreamingRecognizeRequest {
  return riva.StreamingRecognizeRequest.fromPartial({
    streamingRequest: { $case: 'audioContent', value: Buffer.from(audio) },
  });
}

/** `OK`, or `INTERNAL: what the server said`. */
export async function statusOf(call: Promise<unknown>): Promise<string> {
  return call.then(() => 'OK', describeError);
}

function describeError(thrown: unknown): string {
  return thrown instanceof ClientError ? `${Status[thrown.code]}: ${thrown.details}` : String(thrown);
}

async function* requestsOf(call: StreamCall): AsyncGenerator<riva.StreamingRecognizeRequest> {
  yield configMessage(call.config, call.interims, call.id);
  for await (const chunk of call.chunks) yield audioMessage(chunk);
}

async function* asyncOf<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
}
