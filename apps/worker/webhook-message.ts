import { createHmac } from 'node:crypto';
import type { Job, Transcript } from '#contracts';
import { fullText, toSeconds } from '#formats';
import type { ClaimedDelivery } from '#persistence';

/** Transcripts that are longer go as a link alone. */
const MAX_OUTPUT_CHARS = 200_000;

/** What is known of a job that a message tells of. */
export interface MessageFacts {
  readonly job: Job;
  /** Where it completed and the message is to be full. */
  readonly transcript: Transcript | undefined;
  /** A link to the file that the job left in the object store; undefined where it left none. */
  readonly fileUrl: string | undefined;
  /** Where clients reach the gateway; undefined where nobody said. */
  readonly publicUrl: string | undefined;
}

/**
 * The body of a message: `type`, `timestamp` and `data` as Standard Webhooks 1.0.0 asks for, and in a full one beside them
 * the fields that the callbacks of older systems had.
 */
export function messageBody(delivery: ClaimedDelivery, facts: MessageFacts): Buffer {
  const { event, occurredAt, target } = delivery;
  const body = {
    type: event,
    timestamp: occurredAt.toISOString(),
    ...(target?.payload === 'full' ? fullFields(delivery, facts) : {}),
    data: thinFields(delivery, facts.job),
  };
  return Buffer.from(JSON.stringify(body));
}

function thinFields({ event, failure }: ClaimedDelivery, { id, transcriptId, options }: Job): object {
  return {
    job_id: id,
    transcript_id: transcriptId,
    status: event.slice('job.'.length),
    ...(failure ? { error: { code: failure.code ?? 'internal', message: failure.message ?? '' } } : {}),
    ...(options.dbId === undefined ? {} : { db_id: options.dbId }),
    ...(options.sessionId === undefined ? {} : { session_id: options.sessionId }),
    ...(options.metadata === undefined ? {} : { metadata: options.metadata }),
  };
}

function fullFields(
  { event, failure }: ClaimedDelivery,
  { job, transcript, fileUrl, publicUrl }: MessageFacts,
): object {
  const common = { job_id: job.id, status: event.slice('job.'.length), db_id: job.options.dbId ?? null };
  if (event !== 'job.completed') return { ...common, error: failure?.message ?? null };
  const text = transcript ? fullText(transcript.segments) : '';
  const base = publicUrl?.replace(/\/+$/, '');
  return {
    ...common,
    language: transcript?.language ?? null,
    duration: transcript ? toSeconds(transcript.durationMs) : null,
    output: transcript && text.length <= MAX_OUTPUT_CHARS ? text : null,
    minio_url:
      fileUrl ?? (base === undefined ? null : `${base}/api/transcripts/${job.transcriptId}/download?format=txt`),
  };
}

/**
 * The headers of Standard Webhooks 1.0.0. The id stays the same over all tries, so that a receiver can tell a repeat; each
 * secret adds a signature, so that one can be replaced while both are known.
 *
 * @param secrets `whsec_` and base64; without any the message goes unsigned
 */
export function messageHeaders(
  deliveryId: string,
  body: Buffer,
  secrets: readonly string[],
  now: Date,
): Record<string, string> {
  const id = `msg_${deliveryId.replaceAll('-', '')}`;
  const timestamp = String(Math.floor(now.getTime() / 1000));
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')}`;
  });
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    ...(signatures.length === 0 ? {} : { 'webhook-signature': signatures.join(' ') }),
  };
}
