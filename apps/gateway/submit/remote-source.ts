import { PolyscribeError, type RemoteMedia } from '#contracts';
import { fileNameInUrl } from '#media-intake';
import type { UrlGuard } from '#outbound-http';
import { invalid } from './field-errors.js';

/** What a submission may name instead of bringing a file. */
export const sourceNames = ['url', 'upload_id'] as const;

/** Where a submission says that its recording lies; undefined when it does not. */
export function remoteSource(fields: ReadonlyMap<string, unknown>, guard: UrlGuard): RemoteMedia | undefined {
  const url = fields.get('url');
  if (url === undefined || url === '') return undefined;
  if (typeof url !== 'string') {
    throw invalid([{ pointer: '/url', detail: 'must be a text' }]);
  }
  return { url, filename: fileNameInUrl(judged(url, '/url', guard)) };
}

/**
 * The address, if it looks like one that may be called. What it resolves to is judged when it is called.
 *
 * @throws PolyscribeError `url_not_allowed`
 */
export function judged(url: string, pointer: string, guard: UrlGuard): URL {
  try {
    return guard.judge(url);
  } catch (error) {
    if (!(error instanceof PolyscribeError)) throw error;
    const fields = [{ pointer, detail: 'is not an address that may be called' }];
    throw new PolyscribeError(error.code, error.message, { fields });
  }
}
