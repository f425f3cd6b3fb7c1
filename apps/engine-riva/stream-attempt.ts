import { type EngineEvent, msToPcmBytes } from '#contracts';
import type { riva } from '#protos';
import type { Attempt } from './attempt.js';
import { type RivaFailure, failureOf, rivaFailure } from './riva-errors.js';
import { RivaStream } from './riva-stream.js';
import type { StreamClock } from './stream-clock.js';

/**
 * One stream, from the last final on.
 *
 * @returns why it broke; undefined when all of the audio is done
 */
export async function* streamAttempt(attempt: Attempt): AsyncGenerator<EngineEvent, RivaFailure | undefined> {
  const { assembly, backend, feed, signal, request, settings } = attempt;
  const stream = new RivaStream({
    client: backend.client,
    metadata: backend.metadata,
    requestId: request.requestId,
    config: attempt.config,
    feed,
    from: msToPcmBytes(assembly.settledMs ?? 0),
    timeoutMs: settings.timeoutMs,
    signal,
    keepAliveMs: attempt.timing.keepAliveMs,
  });
  try {
    for await (const { results } of stream.responses()) {
      yield* eventsOf(results, attempt, stream.clock);
      feed.discardBefore(msToPcmBytes(assembly.settledMs ?? 0));
    }
  } catch (thrown) {
    if (signal.aborted || feed.failure) throw thrown;
    return stream.isLate ? failureOf('late', backend.address, thrown) : rivaFailure(thrown, backend.address);
  }
  // A server that is being stopped may end a stream in good order though not all of the audio was sent.
  if (!stream.isComplete) return failureOf('broken_off', backend.address);
  yield* assembly.promoteInterim();
  return undefined;
}

function eventsOf(
  results: readonly riva.StreamingRecognitionResult[],
  { assembly, feed }: Attempt,
  clock: StreamClock,
): readonly EngineEvent[] {
  const events: EngineEvent[] = [];
  let parts: string[] = [];
  const hear = (processedSeconds: number): EngineEvent[] => assembly.hear(parts, positionOf(processedSeconds));
  const positionOf = (processedSeconds: number) => ({
    toAudioMs: (ms: number) => clock.toAudioMs(ms),
    processedMs: processedSeconds > 0 ? clock.toAudioMs(processedSeconds * 1000) : undefined,
    heardMs: feed.heardMs,
  });
  for (const { alternatives, isFinal, audioProcessed } of results) {
    const [best] = alternatives;
    if (!best) continue;
    if (isFinal) {
      parts = [];
      events.push(...assembly.settle(best, positionOf(audioProcessed)));
    } else {
      parts.push(best.transcript);
    }
  }
  const processed = Math.max(0, ...results.map(({ audioProcessed }) => audioProcessed));
  if (parts.length > 0) events.push(...hear(processed));
  return events;
}
