import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import { EventSourceParserStream } from 'eventsource-parser/stream';

/** What the submit routes answer. */
export interface Accepted {
  readonly job_id: string;
  readonly transcript_id: string;
  readonly status: string;
}

export interface ResultBody {
  readonly status: string;
  readonly language: string;
  readonly duration: number;
  readonly engine_used: string;
  readonly db_id?: string;
  readonly text: string;
  readonly segments: readonly {
    id: string;
    start: number;
    end: number;
    text: string;
    channel?: number;
    words?: { word: string; interpolated?: boolean }[];
  }[];
  readonly warnings: readonly { code: string }[];
}

export interface SseMessage {
  readonly id: string;
  /** `status` for unnamed events. */
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/**
 * Sends a file as a browser form would.
 *
 * @param route what follows the route for every engine, such as `/whisperx`
 */
export async function submit(
  http: string,
  path: string,
  fields: Record<string, string> = {},
  route = '',
): Promise<Response> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append('file', await openAsBlob(path), basename(path));
  return fetch(`${http}/api/transcribe/jobs/transcribe${route}`, { method: 'POST', body: form });
}

/** Sends a file that must be taken. */
export async function accepted(
  http: string,
  path: string,
  fields: Record<string, string> = {},
  route = '',
): Promise<Accepted> {
  const response = await submit(http, path, fields, route);
  if (response.status !== 202) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.json()) as Accepted;
}

/** The job's events until the server closes the stream or the caller leaves the loop. */
export async function* watch(http: string, jobId: string, lastEventId?: string): AsyncGenerator<SseMessage> {
  const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
  const response = await fetch(`${http}/api/transcribe/jobs/stream/${jobId}`, { headers });
  if (!response.ok || response.body === null) throw new Error(`${response.status} ${await response.text()}`);
  const messages = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
  for await (const { id, event, data } of messages) {
    yield { id: id ?? '', type: event ?? 'status', data: JSON.parse(data) as Record<string, unknown> };
  }
}

/** All events of a job to its end. */
export async function watchToEnd(http: string, jobId: string): Promise<SseMessage[]> {
  const messages: SseMessage[] = [];
  for await (const message of watch(http, jobId)) messages.push(message);
  return messages;
}

export async function result(http: string, jobId: string): Promise<ResultBody> {
  const response = await fetch(`${http}/api/transcribe/jobs/result/${jobId}`);
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.json()) as ResultBody;
}

/** The texts that a client has after applying deltas and voids, by segment id. */
export function textsFromDeltas(messages: readonly SseMessage[]): Map<string, string> {
  const texts = new Map<string, string>();
  for (const { type, data } of messages) {
    if (type === 'delta') texts.set(String(data['segment_id']), String(data['text']));
    if (type === 'void') {
      for (const id of [...texts.keys()]) if (id.startsWith(`${String(data['span'])}-`)) texts.delete(id);
    }
  }
  return texts;
}
