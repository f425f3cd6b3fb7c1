import type { Client } from 'minio';
import type { Logger } from '#telemetry';
import { systemErrorCode } from '#contracts';
import type { S3Calls } from './s3-calls.js';

/** An unfinished upload of that age is what a crash left: uploads time out long before. */
const UPLOAD_MAX_AGE_MS = 6 * 3_600_000;

/** Makes the bucket where there is none; another process may do so at the same time. */
export async function prepareBucket(
  client: Client,
  calls: S3Calls,
  bucket: string,
  region: string | undefined,
): Promise<void> {
  if (await calls.make(undefined, () => client.bucketExists(bucket))) return;
  try {
    await calls.make(undefined, () => client.makeBucket(bucket, region ?? ''));
  } catch (error) {
    // The other was first. A bucket of that name that is not ours shows itself at the first call.
    if (!['BucketAlreadyOwnedByYou', 'BucketAlreadyExists'].includes(systemErrorCode(error) ?? '')) throw error;
  }
}

/**
 * Aborts the unfinished uploads that a crash left. MinIO lists none unless asked for one key, and removes them by itself
 * after a day.
 */
export async function sweepUploads(client: Client, calls: S3Calls, bucket: string, logger: Logger): Promise<void> {
  try {
    for (let keyMarker = ''; ;) {
      const page = await calls.make(undefined, () => client.listIncompleteUploadsQuery(bucket, '', keyMarker, '', ''));
      for (const { key, uploadId, initiated } of page.uploads) {
        if (initiated.getTime() > Date.now() - UPLOAD_MAX_AGE_MS) continue;
        await calls.make(undefined, () => client.abortMultipartUpload(bucket, key, uploadId));
      }
      if (!page.isTruncated || page.nextKeyMarker <= keyMarker) return;
      keyMarker = page.nextKeyMarker;
    }
  } catch (error) {
    // Old parts only take space: no reason to refuse work.
    logger.debug({ err: error }, 'could not clear away the unfinished uploads of an earlier crash');
  }
}
