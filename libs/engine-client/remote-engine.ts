import {
  type EngineDescription,
  EngineEventGuard,
  type EngineEvent,
  type EngineRequest,
  PolyscribeError,
  type RegistrySnapshot,
} from '#contracts';
import { type GrpcTls, fromGrpcError, requestIdMetadata } from '#grpc';
import { engineV1, fromWireDescription, fromWireEvent, toWireConfig } from '#protos';
import { AudioReader } from './audio-reader.js';
import { EngineChannels } from './engine-channels.js';

/** Largest PCM message: eight seconds of audio. What lies in buffers on the way stays small beside a span. */
const MAX_AUDIO_MESSAGE_BYTES = 256 * 1024;

export interface RemoteCallLimits {
  /** The call fails with `engine_timeout` after that long. */
  readonly deadlineMs?: number;
  /** The call fails with `engine_timeout` when we wait that long for the next event. */
  readonly idleMs?: number;
}

/** Calls engines over gRPC. One of these serves a whole process; it keeps one connection for each address. */
export class RemoteEngine {
  private readonly channels: EngineChannels;

  /** @param tls in the clear unless given */
  constructor(tls?: GrpcTls) {
    this.channels = new EngineChannels(tls);
  }

  /** @throws PolyscribeError `engine_unavailable`, `engine_timeout`, `engine_bad_response` */
  async describe(address: string, signal?: AbortSignal): Promise<EngineDescription> {
    const channel = this.channels.take(address);
    try {
      const { description } = await channel.client.describe({}, signal ? { signal } : {});
      return fromWireDescription(description, 'engine_bad_response');
    } catch (thrown) {
      throw fromGrpcError(thrown, { peer: 'engine', name: 'engine', ...(signal && { signal }) });
    } finally {
      this.channels.giveBack(channel);
    }
  }

  /**
   * One call to the engine at `address`, with the promises of `SpeechEngine.transcribe`: work starts at the first pull, the
   * audio's iterator is closed when the call ends, aborting the signal frees the engine. The summary is handed on only
   * when the engine has ended the call without an error.
   *
   * @throws PolyscribeError what the engine threw; `engine_unavailable`, `engine_timeout` or `engine_bad_response` where it
   *   said nothing; `cancelled` only when `signal` is aborted; and whatever the source of the audio threw
   */
  async *transcribe(
    address: string,
    request: EngineRequest,
    audio: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
    limits: RemoteCallLimits = {},
  ): AsyncGenerator<EngineEvent, void> {
    failIfAborted(signal);
    const channel = this.channels.take(address);
    const reader = new AudioReader(audio);
    const idle = new IdleLimit(limits.idleMs);
    try {
      const responses = channel.client.transcribe(messagesOf(request, reader), {
        signal: AbortSignal.any([signal, idle.signal]),
        metadata: requestIdMetadata(request.requestId),
        ...(limits.deadlineMs !== undefined && { deadline: limits.deadlineMs }),
      });
      yield* checked(responses, reader, idle);
    } catch (thrown) {
      if (reader.failure && !signal.aborted) throw reader.failure.thrown;
      if (idle.isOver && !signal.aborted) {
        throw new PolyscribeError('engine_timeout', 'The engine gave no sign of life in time.', { cause: thrown });
      }
      throw fromGrpcError(thrown, { peer: 'engine', name: 'engine', signal });
    } finally {
      idle.stop();
      reader.close();
      this.channels.giveBack(channel);
    }
  }

  /** Closes connections to addresses that are not in the snapshot; calls that run on them end first. */
  retain(snapshot: RegistrySnapshot): void {
    this.channels.retain(new Set(snapshot.instances.map((instance) => instance.address)));
  }

  /** Closes all connections; calls that run on them end first. */
  close(): void {
    this.channels.retain(new Set());
  }
}

function failIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new PolyscribeError('cancelled', 'The call was cancelled.');
}

async function* messagesOf(request: EngineRequest, reader: AudioReader): AsyncGenerator<engineV1.TranscribeRequest> {
  yield { payload: { $case: 'config', value: toWireConfig(request) } };
  for (let chunk = await reader.next(); chunk !== undefined; chunk = await reader.next()) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (let at = 0; at < bytes.length; at += MAX_AUDIO_MESSAGE_BYTES) {
      yield { payload: { $case: 'audio', value: bytes.subarray(at, at + MAX_AUDIO_MESSAGE_BYTES) } };
    }
  }
}

async function* checked(
  responses: AsyncIterable<engineV1.TranscribeResponse>,
  reader: AudioReader,
  idle: IdleLimit,
): AsyncGenerator<EngineEvent, void> {
  const guard = new EngineEventGuard();
  let summary: EngineEvent | undefined;
  idle.start();
  for await (const response of responses) {
    idle.stop();
    const event = fromWireEvent(response);
    guard.accept(event, reader.heardMs);
    if (event.type === 'summary') summary = event;
    else yield event;
    idle.start();
  }
  idle.stop();
  guard.end();
  if (summary) yield summary;
}

/** A time limit on waiting for the engine; it stands still while the consumer takes its time. */
class IdleLimit {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly limitMs: number | undefined) {}

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get isOver(): boolean {
    return this.controller.signal.aborted;
  }

  start(): void {
    if (this.limitMs === undefined) return;
    this.timer = setTimeout(() => this.controller.abort(), this.limitMs);
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}
