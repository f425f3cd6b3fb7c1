import { PolyscribeError } from '#contracts';

/** Python writes these words where a number is none; JSON has no word for them. Strings are stepped over. */
const notNumbers = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g;

/**
 * JSON as Python servers write it, whatever content type it comes under.
 *
 * @throws PolyscribeError `engine_bad_response`; the message holds nothing of the text
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Tried again below.
  }
  try {
    return JSON.parse(text.replaceAll(notNumbers, (found) => (found.startsWith('"') ? found : 'null')));
  } catch (cause) {
    throw new PolyscribeError('engine_bad_response', 'The WhisperX server sent an answer that is no JSON.', { cause });
  }
}
