import { type EngineEvent, PolyscribeError, SAMPLE_RATE_HZ } from '#contracts';
import { AudioReader, IDLE } from './audio-reader.js';
import { HandOver } from './hand-over.js';
import type { RecognitionStop, VoiceActivityMemory } from './inference-task.js';
import type { InferencePool, RecognitionCall, Recognized } from './recognition.js';
import { SampleBuffer } from './sample-buffer.js';
import { FRAME_SAMPLES, type Utterance, UtteranceSegmenter } from './utterance-segmenter.js';

/** Samples of context that the voice activity model wants before a frame. */
const CONTEXT_SAMPLES = 64;

/**
 * Frames of each block in which speech is looked for. Blocks of 4 s first: no utterance is longer than 15 s, and the first
 * is to be found as soon as it has been heard. Then up to 64 s, which fill the rows of the model's batch.
 */
const blockFrames = [125, 125, 125, 125, 250, 500, 1000];
const LARGEST_BLOCK_FRAMES = 2000;

/**
 * Audio held beyond what has been handed out. It must hold a block, the one that is read meanwhile and the longest utterance;
 * what lies between is the choice that batches are made of.
 */
const LOOK_AHEAD_SAMPLES = 150 * SAMPLE_RATE_HZ;

/** A source that gives nothing for so long is live, or slow: what has come is worked on. */
const IDLE_MS = 300;

/** Silero's own default: what is added to speech on either side, so that its edges are not lost. */
const EDGE_SAMPLES = (30 * SAMPLE_RATE_HZ) / 1000;

/** An utterance whose text is on its way, or the news that there is no speech before a position. */
type Found = { readonly utterance: Utterance; readonly recognized: Promise<Recognized> } | { readonly settled: number };

/** Whether all of a block is there, or its source has ended or pauses. */
type BlockStatus = 'more' | 'ended' | 'idle';

/** Audio in which speech is to be looked for next. */
interface Block {
  readonly frames: number;
  readonly status: Promise<BlockStatus>;
  /** Whether there is nothing to wait for any more. */
  readonly isThere: boolean;
}

/**
 * One call: reads audio a bounded way ahead, finds utterances in it, has them recognised beside those of other calls and
 * gives their texts in time order. Memory does not grow with the length of the audio.
 */
export class Transcription {
  private readonly buffer = new SampleBuffer();
  private readonly segmenter = new UtteranceSegmenter();
  private readonly found = new HandOver<Found>();
  private readonly ended = new AbortController();
  private readonly signal: AbortSignal;
  /** Everything before it has been handed out. */
  private handedOut = 0;
  private wakeReader: (() => void) | undefined;

  /** @param recognition what is left at the end */
  constructor(
    private readonly pool: InferencePool,
    private readonly recognition: RecognitionCall,
    private readonly audio: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ) {
    this.signal = AbortSignal.any([signal, this.ended.signal]);
  }

  /** Segments, progress and warnings in time order. @throws PolyscribeError `engine_unavailable`, `cancelled` */
  async *events(): AsyncGenerator<EngineEvent> {
    const reader = new AudioReader(this.audio, this.signal);
    const onAbort = () => {
      this.found.fail(cancelledError());
      this.recognition.leave();
    };
    this.signal.addEventListener('abort', onAbort, { once: true });
    if (this.signal.aborted) onAbort();
    const listening = this.listen(reader).then(
      () => this.found.close(),
      (error: unknown) => {
        this.found.fail(error instanceof Error ? error : new Error(String(error)));
        // Utterances in the making would only hold up the error.
        this.ended.abort();
      },
    );
    let lastEndMs = 0;
    try {
      for (let found = await this.found.take(); found; found = await this.found.take()) {
        if ('settled' in found) {
          yield this.advance(found.settled);
          continue;
        }
        const { text, stop } = await this.recognized(found.recognized);
        const { startMs, endMs } = this.times(found.utterance, lastEndMs);
        if (text !== '') {
          lastEndMs = endMs;
          yield { type: 'segment', segment: { startMs, endMs, text } };
        }
        if (stop !== 'end') yield stopWarning(stop, startMs);
        yield this.advance(found.utterance.end);
      }
      yield { type: 'summary', language: 'en', model: this.recognition.model, audioMs: toMs(this.buffer.end) };
    } finally {
      this.signal.removeEventListener('abort', onAbort);
      this.recognition.leave();
      this.ended.abort();
      this.wakeReader?.();
      await reader.close();
      await listening;
    }
  }

  /** The text, unless the call fails before: the cause then, and not the cancelling that it brought about. */
  private async recognized(promise: Promise<Recognized>): Promise<Recognized> {
    try {
      return await promise;
    } catch (error) {
      if (this.signal.aborted) await this.found.take();
      throw error;
    }
  }

  /** Looks for speech in block after block; the next is read meanwhile. */
  private async listen(reader: AudioReader): Promise<void> {
    let position = 0;
    let memory: VoiceActivityMemory | undefined;
    let block = this.nextBlock(reader, 0, position);
    let found: readonly Utterance[] | undefined;
    const tell = () => {
      if (found) this.gather(found);
      found = undefined;
    };
    for (let index = 1, status = 'more'; status !== 'ended'; index++) {
      // Where the next block is there, threads are to look at it first: then more utterances go together.
      if (!block.isThere) tell();
      status = await block.status;
      const start = position;
      const available = Math.min(block.frames * FRAME_SAMPLES, this.buffer.end - start) / FRAME_SAMPLES;
      // The last frame is filled up with silence.
      const frames = status === 'ended' ? Math.ceil(available) : Math.floor(available);
      position += frames * FRAME_SAMPLES;
      if (status !== 'ended') block = this.nextBlock(reader, index, position);
      if (frames === 0) continue;
      const samples = this.buffer.read(start - CONTEXT_SAMPLES, position);
      const looking = this.pool.run({ kind: 'voice-activity', samples, memory }, { urgent: true, signal: this.signal });
      tell();
      const result = await looking;
      if (result.kind !== 'voice-activity') throw new Error('An inference thread mixed up its tasks.');
      memory = result.memory;
      found = this.segmenter.push(result.probabilities);
    }
    this.recognition.end();
    this.gather([...(found ?? []), ...this.segmenter.flush()]);
  }

  private nextBlock(reader: AudioReader, index: number, position: number): Block {
    const frames = blockFrames[index] ?? LARGEST_BLOCK_FRAMES;
    const block = { frames, status: this.fill(reader, position, frames * FRAME_SAMPLES), isThere: false };
    const arrived = () => {
      block.isThere = true;
    };
    // Who looks at the block is told of an error.
    block.status.then(arrived, arrived);
    return block;
  }

  /** Reads until that many samples follow the position. */
  private async fill(reader: AudioReader, position: number, wanted: number): Promise<BlockStatus> {
    while (this.buffer.end - position < wanted) {
      await this.room();
      const worthwhile = this.buffer.end - position >= FRAME_SAMPLES;
      const chunk = await reader.next(worthwhile ? IDLE_MS : undefined);
      if (chunk === undefined) return 'ended';
      if (chunk === IDLE) return 'idle';
      this.buffer.append(chunk);
    }
    return 'more';
  }

  /** Waits until the audio that is held is less than the look-ahead. */
  private async room(): Promise<void> {
    while (this.buffer.end - this.handedOut >= LOOK_AHEAD_SAMPLES) {
      await new Promise<void>((resolve) => {
        this.wakeReader = resolve;
      });
      this.signal.throwIfAborted();
    }
  }

  private gather(utterances: readonly Utterance[]): void {
    const sounds = utterances.map(({ audioStart, audioEnd }) => ({
      length: audioEnd - audioStart,
      read: () => this.buffer.read(audioStart, audioEnd),
    }));
    this.recognition.recognize(sounds).forEach((recognized, index) => {
      // Nobody waits any more for utterances of a call that has failed.
      recognized.catch(() => undefined);
      const utterance = utterances[index];
      if (utterance) this.found.push({ utterance, recognized });
    });
    this.found.push({ settled: Math.min(this.segmenter.settled, this.buffer.end) });
  }

  private times({ start, end }: Utterance, lastEndMs: number): { startMs: number; endMs: number } {
    const startMs = Math.max(lastEndMs, toMs(Math.max(0, start - EDGE_SAMPLES)));
    return { startMs, endMs: Math.max(startMs, toMs(Math.min(end + EDGE_SAMPLES, this.buffer.end))) };
  }

  /** Everything before the position has been handed out: its audio can go, and more can be read. */
  private advance(position: number): EngineEvent {
    this.handedOut = Math.max(this.handedOut, Math.min(position, this.buffer.end));
    this.buffer.discardBefore(this.handedOut - CONTEXT_SAMPLES);
    this.wakeReader?.();
    return { type: 'progress', processedMs: toMs(this.handedOut), stage: 'transcribing' };
  }
}

function toMs(samples: number): number {
  return Math.floor((samples * 1000) / SAMPLE_RATE_HZ);
}

function stopWarning(stop: Exclude<RecognitionStop, 'end'>, startMs: number): EngineEvent {
  const where = `in the utterance at ${(startMs / 1000).toFixed(1)} s`;
  const warning =
    stop === 'repetition'
      ? {
          code: 'repetition_stopped',
          message: `The model began to repeat itself ${where}; the rest of it is left out.`,
        }
      : { code: 'text_truncated', message: `The model did not come to an end ${where}; its text may be cut off.` };
  return { type: 'warning', warning };
}

function cancelledError(): PolyscribeError {
  return new PolyscribeError('cancelled', 'The call was cancelled.');
}
