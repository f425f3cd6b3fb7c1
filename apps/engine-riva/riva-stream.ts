import { msToPcmBytes, pcmBytesToMs } from '#contracts';
import type { riva } from '#protos';
import type { Metadata } from 'nice-grpc';
import { type AudioFeed, END, IDLE } from './audio-feed.js';
import { Patience } from './patience.js';
import type { RivaClient } from './riva-backend.js';
import { StreamClock } from './stream-clock.js';

const KEEP_ALIVE = Buffer.alloc(msToPcmBytes(100));

export interface RivaStreamSettings {
  readonly client: RivaClient;
  readonly metadata: Metadata;
  readonly requestId: string;
  readonly config: riva.RecognitionConfig;
  readonly feed: AudioFeed;
  /** Where in the audio the stream begins, in bytes. */
  readonly from: number;
  /** How long Riva may keep us waiting. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** How long the audio may pause before silence is sent. */
  readonly keepAliveMs: number;
}

/**
 * One StreamingRecognize call. Audio is sent as fast as Riva takes it, but only while the reader of the responses waits
 * for more of them; silence keeps the stream alive while no audio comes.
 */
export class RivaStream {
  readonly clock: StreamClock;
  private readonly ended = new AbortController();
  private readonly signal: AbortSignal;
  private readonly patience: Patience;
  private timedOut = false;
  private halfClosed = false;
  private sentBytes = 0;
  private resume: (() => void) | undefined;
  private resumed: Promise<void> | undefined;

  constructor(private readonly settings: RivaStreamSettings) {
    this.clock = new StreamClock(pcmBytesToMs(settings.from));
    this.signal = AbortSignal.any([settings.signal, this.ended.signal]);
    this.patience = new Patience(settings.timeoutMs, () => {
      this.timedOut = true;
      this.ended.abort();
    });
  }

  /** Whether the stream ended because Riva did not answer. */
  get isLate(): boolean {
    return this.timedOut;
  }

  /** Whether all of the audio was sent. */
  get isComplete(): boolean {
    return this.halfClosed;
  }

  /** Ends when Riva has said all. @throws what the call throws; see `rivaFailure` */
  async *responses(): AsyncGenerator<riva.StreamingRecognizeResponse, void> {
    const { client, metadata } = this.settings;
    try {
      for await (const response of client.streamingRecognize(this.requests(), { metadata, signal: this.signal })) {
        this.patience.hold();
        const wake = this.pause();
        yield response;
        wake();
        this.patience.release();
      }
    } finally {
      this.patience.stop();
      this.ended.abort();
      this.resume?.();
    }
  }

  private async *requests(): AsyncGenerator<riva.StreamingRecognizeRequest, void> {
    const { config, requestId: value, feed, from } = this.settings;
    yield {
      streamingRequest: { $case: 'streamingConfig', value: { config, interimResults: true } },
      runtimeConfig: {},
      id: { value },
    };
    for (let position = from; ;) {
      const piece = await this.nextPiece(feed, position);
      if (piece === END) {
        this.halfClosed = feed.isAtEnd(position);
        return;
      }
      if (piece === IDLE) {
        this.clock.addSilence(pcmBytesToMs(this.sentBytes), pcmBytesToMs(KEEP_ALIVE.length));
      } else {
        position += piece.length;
      }
      const audio = piece === IDLE ? KEEP_ALIVE : piece;
      this.sentBytes += audio.length;
      yield { streamingRequest: { $case: 'audioContent', value: audio }, runtimeConfig: {}, id: undefined };
    }
  }

  private async nextPiece(feed: AudioFeed, position: number): Promise<Buffer | typeof IDLE | typeof END> {
    this.patience.hold();
    try {
      await this.resumed;
      return await feed.read(position, this.settings.keepAliveMs, this.signal);
    } catch (thrown) {
      // The stream is over and nobody waits for its audio; what the source threw the feed remembers.
      if (feed.failure) throw thrown;
      return END;
    } finally {
      this.patience.release();
    }
  }

  /** No audio is read until the returned function is called. */
  private pause(): () => void {
    this.resumed = new Promise((resolve) => {
      this.resume = resolve;
    });
    return () => {
      this.resume?.();
      this.resumed = undefined;
    };
  }
}
