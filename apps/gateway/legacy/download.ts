import type { TranscriptFormat } from '#formats';
import { attachmentNamed } from '#objects';
import { finished } from '../http/conditional.js';
import { downloadQuery, readingStyle } from '../http/download-query.js';
import { parseQuery } from '../jobs/job-queries.service.js';
import type { LegacyCall } from './legacy-route.js';

/**
 * A transcript as a file, with all that our own download route can do.
 *
 * @param byDefault the format where the query names none
 */
export async function sendDownload(
  { request, reply, use }: LegacyCall,
  transcriptId: string,
  byDefault: TranscriptFormat = 'txt',
): Promise<Buffer | undefined> {
  const wanted = parseQuery(downloadQuery, { format: byDefault, ...(request.query as object) });
  const file = await use.transcripts.render(transcriptId, wanted.format, readingStyle(wanted));
  reply.type(file.mediaType).header('content-disposition', attachmentNamed(file.filename));
  return finished(request, reply, Buffer.from(file.text));
}
