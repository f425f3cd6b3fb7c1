import { PolyscribeError, pcmBytesToMs } from '#contracts';
import type { engineV1 } from '#protos';
import type { EngineCall } from './engine-call.js';

/** As the proto promises. */
const MAX_AUDIO_MESSAGE_BYTES = 1024 * 1024;

/** The messages of one call as the client sends them: the configuration, then audio. */
export class IncomingAudio {
  private readonly messages: AsyncIterator<engineV1.TranscribeRequest>;
  private bytes = 0;
  private waited = 0;

  /**
   * @param call aborted when the client takes longer than `idleMs` for its next message; when it is aborted for whatever
   *   reason, so is the wait for the client, and an engine that waits for audio gets free
   */
  constructor(
    messages: AsyncIterable<engineV1.TranscribeRequest>,
    private readonly call: EngineCall,
    private readonly idleMs: number,
  ) {
    this.messages = messages[Symbol.asyncIterator]();
  }

  /** Length of the audio handed to the engine so far. */
  get heardMs(): number {
    return pcmBytesToMs(this.bytes);
  }

  /** How long the engine waited for audio in all. */
  get waitedMs(): number {
    return this.waited;
  }

  /** The first message. @throws PolyscribeError `invalid_request` when it is no configuration */
  async config(): Promise<engineV1.TranscribeConfig> {
    const payload = (await this.next())?.payload;
    if (payload?.$case === 'config') return payload.value;
    throw new PolyscribeError('invalid_request', 'The first message of a call must carry its configuration.');
  }

  /** PCM as it comes. @throws PolyscribeError `invalid_request` for a message that carries no audio or too much */
  async *chunks(): AsyncGenerator<Uint8Array, void> {
    for (let message = await this.next(); message !== undefined; message = await this.next()) {
      const { payload } = message;
      if (payload?.$case !== 'audio') {
        throw new PolyscribeError('invalid_request', 'Every message after the first must carry audio.');
      }
      if (payload.value.length > MAX_AUDIO_MESSAGE_BYTES) {
        throw new PolyscribeError('invalid_request', 'A message may carry at most 1 MiB of audio.');
      }
      this.bytes += payload.value.length;
      yield payload.value;
    }
  }

  private async next(): Promise<engineV1.TranscribeRequest | undefined> {
    const begun = performance.now();
    const timer = setTimeout(() => this.call.abort(stalledError(this.idleMs)), this.idleMs);
    try {
      const result = await this.call.orAborted(this.messages.next());
      return result.done ? undefined : result.value;
    } finally {
      clearTimeout(timer);
      this.waited += performance.now() - begun;
    }
  }
}

/** Nobody's fault that we could tell; the caller may try again. */
function stalledError(idleMs: number): PolyscribeError {
  return new PolyscribeError('dependency_unavailable', `No audio came for ${String(idleMs / 1000)} s.`);
}
