import {
  type EngineEvent,
  type EngineInstance,
  type EngineRequest,
  pcmBytesToMs,
  PolyscribeError,
  WAITING_STAGE,
} from '#contracts';
import { WorkClock } from '#timing';
import { interruptionOf } from './interruption.js';

/** Calls an engine over the wire. */
export interface EngineCaller {
  transcribe(
    address: string,
    request: EngineRequest,
    audio: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): AsyncIterable<EngineEvent>;

  /** Measures a call that begins now; absent where nobody wants to know. */
  measure?(instanceId: string): EngineCallMeter;
}

/** Learns how one call goes; nothing is counted of a call that neither succeeds nor fails by the engine. */
export interface EngineCallMeter {
  event(event: EngineEvent): void;
  /** Takes the time for which the engine had to wait until its event was dealt with. */
  heldUp(ms: number): void;
  done(audioMs: number): void;
  failed(error: PolyscribeError): void;
}

/** The engine's side of a call failed; anything else that goes wrong during a call is thrown as it is. */
export class EngineFailure extends Error {
  override readonly name = 'EngineFailure';

  constructor(readonly error: PolyscribeError) {
    super(error.message, { cause: error });
  }
}

export interface EngineCall {
  readonly instance: EngineInstance;
  readonly request: EngineRequest;
  /** The audio from its start; the signal is aborted when the call ends for whatever reason. */
  audio(signal: AbortSignal): AsyncIterable<Uint8Array>;
  /**
   * Longest time at work; what the engine says to be waiting for its turn does not count, nor what `onEvent` takes. It does
   * not end while the engine waits for audio: for that whoever gives it has a limit.
   */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  /** Takes each event but the last; the engine waits for it. */
  onEvent(event: Exclude<EngineEvent, { type: 'summary' }>): Promise<void>;
}

export interface CallResult {
  readonly language: string;
  readonly model: string;
  /** Audio that went to the engine, counted here. */
  readonly audioMs: number;
}

/**
 * One call of one engine.
 *
 * @throws EngineFailure when the engine is to blame or unreachable
 * @throws Interruption when the call's signal was aborted
 * @throws what reading the audio or `onEvent` threw
 */
export async function callEngine(caller: EngineCaller, call: EngineCall): Promise<CallResult> {
  const deadline = new WorkClock(call.deadlineMs, () => audio.isAwaited);
  const signal = AbortSignal.any([call.signal, deadline.signal]);
  const audio: CountedAudio = new CountedAudio(call.audio(signal));
  const ended = whenAborted(signal);
  const meter = caller.measure?.(call.instance.id);
  let iterator: AsyncIterator<EngineEvent> | undefined;
  try {
    for (;;) {
      let next: IteratorResult<EngineEvent>;
      try {
        iterator ??= caller
          .transcribe(call.instance.address, call.request, audio.read(), signal)
          [Symbol.asyncIterator]();
        // The race holds also where a client library does not let go of a call that was aborted.
        next = await Promise.race([iterator.next(), ended.promise]);
      } catch (error) {
        throw blame(error, call, audio, deadline.signal);
      }
      if (next.done === true) throw new EngineFailure(badResponse('ended without a summary'));
      meter?.event(next.value);
      if (next.value.type === 'summary') {
        const result = resultOf(next.value, audio);
        meter?.done(result.audioMs);
        return result;
      }
      await handOn(next.value, call, deadline, meter);
    }
  } catch (error) {
    if (meter && error instanceof EngineFailure) countFailure(meter, error, call.signal);
    throw error;
  } finally {
    ended.forget();
    // Frees the engine when we leave early; a call that has ended takes no notice.
    deadline.stop();
    void iterator?.return?.().catch(() => undefined);
  }
}

/** What the database or the bus takes meanwhile is not the engine's time. */
async function handOn(
  event: Exclude<EngineEvent, { type: 'summary' }>,
  call: EngineCall,
  deadline: WorkClock,
  meter: EngineCallMeter | undefined,
): Promise<void> {
  deadline.pause();
  const takenMs = performance.now();
  await call.onEvent(event);
  meter?.heldUp(performance.now() - takenMs);
  if (!isWaiting(event)) deadline.run();
}

/** What fails after we have broken off is not held against the engine. */
function countFailure(meter: EngineCallMeter, { error }: EngineFailure, signal: AbortSignal): void {
  if (!signal.aborted) meter.failed(error);
}

function isWaiting(event: EngineEvent): boolean {
  return event.type === 'progress' && event.stage === WAITING_STAGE;
}

function resultOf(summary: Extract<EngineEvent, { type: 'summary' }>, audio: CountedAudio): CallResult {
  if (audio.failure !== undefined) throw audio.failure.error;
  if (!audio.complete) throw new EngineFailure(badResponse('ended before it had read all of the audio'));
  return { language: summary.language, model: summary.model, audioMs: audio.ms };
}

function blame(thrown: unknown, call: EngineCall, audio: CountedAudio, deadline: AbortSignal): unknown {
  const interruption = interruptionOf(call.signal);
  if (interruption) return interruption;
  const { engine } = call.instance.description;
  if (deadline.aborted) {
    const seconds = Math.round(call.deadlineMs / 1000);
    const message = `${engine} did not finish within ${seconds} s.`;
    return new EngineFailure(new PolyscribeError('engine_timeout', message, { cause: thrown }));
  }
  if (audio.failure !== undefined) return audio.failure.error;
  const error = PolyscribeError.from(thrown);
  // The media were decoded here: an engine that does not take PCM says nothing about the file.
  if (error.code === 'unsupported_media') return new EngineFailure(badResponse('says that it cannot read the audio'));
  if (error.code !== 'cancelled') return new EngineFailure(error);
  // Nobody here cancelled: the engine's process is stopping.
  return new EngineFailure(
    new PolyscribeError('engine_unavailable', `${engine} broke off the call.`, { cause: thrown }),
  );
}

function badResponse(what: string): PolyscribeError {
  return new PolyscribeError('engine_bad_response', `The engine's answer ${what}.`);
}

/** Counts the audio that is read and keeps what reading it failed with, which the wire would hide. */
class CountedAudio {
  private bytes = 0;
  complete = false;
  failure: { readonly error: unknown } | undefined;
  /** Whether the engine wants audio that has not come. */
  isAwaited = false;

  constructor(private readonly source: AsyncIterable<Uint8Array>) {}

  get ms(): number {
    return pcmBytesToMs(this.bytes);
  }

  async *read(): AsyncGenerator<Uint8Array> {
    try {
      this.isAwaited = true;
      for await (const chunk of this.source) {
        this.bytes += chunk.length;
        this.isAwaited = false;
        yield chunk;
        this.isAwaited = true;
      }
      this.complete = true;
    } catch (error) {
      this.failure = { error };
      throw error;
    } finally {
      this.isAwaited = false;
    }
  }
}

/** A promise that rejects when the signal is aborted, and the way to drop it. */
function whenAborted(signal: AbortSignal): { readonly promise: Promise<never>; forget(): void } {
  let onAbort = (): void => undefined;
  const promise = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  promise.catch(() => undefined);
  return { promise, forget: () => signal.removeEventListener('abort', onAbort) };
}
