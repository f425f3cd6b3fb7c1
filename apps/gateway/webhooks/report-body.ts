import type { IncomingMessage } from 'node:http';
import { PolyscribeError } from '#contracts';

/** A day of speech with the times of its words. */
export const MAX_REPORT_BYTES = 16_777_216;
/** Longest wait for a body: who is slower holds memory for nothing. */
const BODY_MS = 60_000;

/**
 * The body as it was signed.
 *
 * @param crowdedOut breaks the connection off
 * @throws PolyscribeError `payload_too_large`, `invalid_request` when it does not come in time
 */
export async function readReportBody(request: IncomingMessage, crowdedOut: AbortSignal): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_REPORT_BYTES) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  const late = new PolyscribeError('invalid_request', 'The report did not come in time; send it again.');
  const breakOff = (): void => void request.destroy(late);
  const timer = setTimeout(breakOff, BODY_MS);
  crowdedOut.addEventListener('abort', breakOff);
  if (crowdedOut.aborted) breakOff();
  try {
    // Left alive when it is too long: the refusal goes over the same connection.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_REPORT_BYTES) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof PolyscribeError) throw error;
    throw new PolyscribeError('invalid_request', 'The report broke off; send it again.', { cause: error });
  } finally {
    clearTimeout(timer);
    crowdedOut.removeEventListener('abort', breakOff);
  }
  return Buffer.concat(chunks);
}

function tooLarge(): PolyscribeError {
  return new PolyscribeError('payload_too_large', `A report has at most ${String(MAX_REPORT_BYTES)} bytes.`);
}
