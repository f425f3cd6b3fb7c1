import { createHash } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';
import { PolyscribeError } from '#contracts';

export interface UploadLimits {
  readonly maxBytes: number;
  /** How often the rate is looked at. */
  readonly windowMs: number;
  /** An upload that brings less in a window is given up: it holds a connection and a file for nothing. */
  readonly minBytesPerWindow: number;
  /** What it is given up with; `invalid_request` by default. */
  readonly stopped?: () => PolyscribeError;
}

const LEAST_BUFFER_BYTES = 65_536;

/** A tenth of a bad phone line; an upload that is slower has stopped, or never means to end. */
export const slowestUpload = { windowMs: 30_000, minBytesPerWindow: 15_000 };

/**
 * Passes an upload on while counting and hashing it, and shows how it begins. Fails with `payload_too_large` as soon as the
 * limit is passed, and with what the limits say when it has as good as stopped.
 */
export class UploadMeter extends Transform {
  /** The first bytes, as many as were asked for or all there are, before anybody reads. Rejects with what the upload fails with. */
  readonly head: Promise<Buffer>;
  private readonly hash = createHash('sha256');
  private readonly timer: NodeJS.Timeout;
  private windowBytes = 0;
  private beginning: Buffer[] | undefined = [];
  private settleHead:
    { readonly resolve: (head: Buffer) => void; readonly reject: (error: unknown) => void } | undefined;
  /** So far. */
  bytes = 0;

  /** @param headBytes that the head is to have */
  constructor(
    private readonly limits: UploadLimits,
    private readonly headBytes = 0,
  ) {
    // The head has room here, so that it comes without a reader.
    super({ readableHighWaterMark: Math.max(LEAST_BUFFER_BYTES, headBytes + 1) });
    this.head = new Promise((resolve, reject) => (this.settleHead = { resolve, reject }));
    // Who wants none is not bothered with what it fails with.
    this.head.catch(() => undefined);
    this.timer = setInterval(() => this.checkRate(), limits.windowMs).unref();
  }

  /** Lower-case hex; read it once, at the end. */
  sha256(): string {
    return this.hash.digest('hex');
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.bytes += chunk.length;
    this.windowBytes += chunk.length;
    if (this.bytes > this.limits.maxBytes) {
      done(fileTooLarge(this.limits.maxBytes));
      return;
    }
    this.hash.update(chunk);
    if (this.beginning) {
      this.beginning.push(chunk);
      if (this.bytes >= this.headBytes) this.showHead();
    }
    done(null, chunk);
  }

  override _flush(done: TransformCallback): void {
    clearInterval(this.timer);
    this.showHead();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearInterval(this.timer);
    this.settleHead?.reject(error ?? new Error('The upload was given up.'));
    done(error);
  }

  private showHead(): void {
    if (!this.beginning) return;
    this.settleHead?.resolve(Buffer.concat(this.beginning));
    this.beginning = undefined;
  }

  private checkRate(): void {
    // A full buffer means that we are the slow side.
    const waitsForUs = this.readableLength >= this.readableHighWaterMark;
    if (this.windowBytes < this.limits.minBytesPerWindow && !waitsForUs) {
      this.destroy((this.limits.stopped ?? uploadStopped)());
    }
    this.windowBytes = 0;
  }
}

export function uploadStopped(): PolyscribeError {
  return new PolyscribeError('invalid_request', 'The upload stopped; send it again.');
}

export function fileTooLarge(maxBytes: number): PolyscribeError {
  return new PolyscribeError(
    'payload_too_large',
    `The file is larger than ${maxBytes} bytes, the most that is taken; send a shorter or more compressed recording.`,
  );
}
