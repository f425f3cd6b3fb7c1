import type { RivaSettings } from '#config';
import { type EngineEvent, PolyscribeError } from '#contracts';
import type { riva } from '#protos';
import { type AudioFeed, END, IDLE } from './audio-feed.js';
import type { Attempt } from './attempt.js';
import { type RivaFailure, rivaFailure } from './riva-errors.js';

/** What a request holds beside its audio at the most: options, and phrases by the hundred. */
const ENVELOPE_BYTES = 256 * 1024;
const PAUSE_MS = 60_000;

/** How much audio fits into one message. */
export function maxOfflineBytes({ maxMessageBytes }: RivaSettings): number {
  return maxMessageBytes - ENVELOPE_BYTES;
}

/**
 * One request with all of the audio in it.
 *
 * @returns why it failed; undefined when all is done
 * @throws PolyscribeError `payload_too_large` when the audio does not fit
 */
export async function* offlineAttempt(attempt: Attempt): AsyncGenerator<EngineEvent, RivaFailure | undefined> {
  const { assembly, backend, config, feed, signal, request, settings } = attempt;
  const audio = await wholeAudio(feed, maxOfflineBytes(settings), signal);
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
  const ends = endsOf(results, feed.heardMs);
  for (const [index, { alternatives }] of results.entries()) {
    const [best] = alternatives;
    if (best) yield* assembly.settle(best, { toAudioMs, processedMs: ends[index], heardMs: feed.heardMs });
  }
  return undefined;
}

/**
 * Where each result's audio ends, for texts without times of words: by what Riva has consumed where that grows from result
 * to result. Some servers say the whole length with each, or nothing; then texts share the audio by their length.
 */
function endsOf(results: readonly riva.SpeechRecognitionResult[], heardMs: number): readonly number[] {
  const told = results.map(({ audioProcessed }) => Math.round(audioProcessed * 1000));
  if (told.every((ms, index) => ms > (told[index - 1] ?? 0))) return told;
  const lengths = results.map(({ alternatives: [best] }) => best?.transcript.trim().length ?? 0);
  const total = Math.max(
    1,
    lengths.reduce((sum, length) => sum + length, 0),
  );
  let done = 0;
  return lengths.map((length) => Math.round((heardMs * (done += length)) / total));
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
