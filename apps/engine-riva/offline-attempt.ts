import { type EngineEvent, PolyscribeError } from '#contracts';
import { type AudioFeed, END, IDLE } from './audio-feed.js';
import type { Attempt } from './attempt.js';
import { type RivaFailure, rivaFailure } from './riva-errors.js';

/** What a request holds beside its audio, generously: options, and phrases by the hundred. */
const ENVELOPE_BYTES = 128 * 1024;
const PAUSE_MS = 60_000;

/**
 * One request with all of the audio in it.
 *
 * @returns why it failed; undefined when all is done
 * @throws PolyscribeError `payload_too_large` when the audio does not fit
 */
export async function* offlineAttempt(attempt: Attempt): AsyncGenerator<EngineEvent, RivaFailure | undefined> {
  const { assembly, backend, config, feed, signal, request, settings } = attempt;
  const audio = await wholeAudio(feed, settings.maxMessageBytes - ENVELOPE_BYTES, signal);
  const message = { config, audio, id: { value: request.requestId } };
  // No model for files is slower than speech; the rest is for a cold start.
  const deadline = settings.timeoutMs + Math.round(feed.heardMs);
  let results;
  try {
    ({ results } = await backend.client.recognize(message, { metadata: backend.metadata, signal, deadline }));
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    return rivaFailure(thrown, backend.address);
  }
  const toAudioMs = (ms: number): number => ms;
  for (const { alternatives, audioProcessed } of results) {
    const processedMs = audioProcessed > 0 ? audioProcessed * 1000 : undefined;
    const [best] = alternatives;
    if (best) yield* assembly.settle(best, { toAudioMs, processedMs, heardMs: feed.heardMs });
  }
  return undefined;
}

async function wholeAudio(feed: AudioFeed, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let position = 0;
  for (;;) {
    const piece = await feed.read(position, PAUSE_MS, signal);
    if (piece === IDLE) continue;
    if (piece === END) return Buffer.concat(pieces);
    position += piece.length;
    pieces.push(piece);
    if (position > maxBytes) {
      throw new PolyscribeError(
        'payload_too_large',
        'This model takes the audio in one message, and the audio is too long for that; see RIVA_MAX_MESSAGE_SIZE.',
      );
    }
  }
}
