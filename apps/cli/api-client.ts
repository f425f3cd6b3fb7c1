import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { z } from 'zod';
import { CliError, MeshUnreachableError } from './cli-error.js';
import type { Format } from './arguments.js';

/** How long the mesh may take to answer a command. */
const ANSWER_DEADLINE_MS = 10_000;
/** How long the answer to a submission is waited for by a user who has given up: a job is cancelled by its id only. */
const LAST_ANSWER_MS = 2_000;
/** How long it may take to make and send a transcript. */
const READ_DEADLINE_MS = 60_000;
/** How often a request is sent again to a mesh whose database or store is away for a moment, as while it stops. */
const MAX_REPEATS = 5;
const DEFAULT_RETRY_AFTER_S = 1;
/** Whatever an answer asks for: nobody waits before a silent terminal for longer. */
const MAX_RETRY_AFTER_S = 10;

const problemSchema = z.object({ detail: z.string(), code: z.string() });
const submittedSchema = z.object({ job_id: z.string(), transcript_id: z.string() });
const statusSchema = z.object({ progress: z.number(), stage: z.string(), message: z.string() });
const liveSchema = z.object({ service: z.literal('polyscribe') });
const failureSchema = z.object({ code: z.string(), detail: z.string() });

export interface SubmittedJob {
  readonly jobId: string;
  readonly transcriptId: string;
}

export type JobNews =
  | { readonly type: 'progress'; readonly id: string; readonly progress: number; readonly stage: string }
  | { readonly type: 'completed' }
  | { readonly type: 'failed'; readonly code: string; readonly detail: string }
  | { readonly type: 'cancelled' };

/** The REST API as the command line needs it. */
export class ApiClient {
  constructor(private readonly baseUrl: string) {}

  /**
   * Uploads the file as a stream. One that is given up is cut off soon after, so that a job that was made is known.
   *
   * @param key the same for each try to submit this job, also to another mesh on the same folder: one job comes of all
   * @throws CliError with the mesh's own words when it refuses
   */
  async submit(
    path: string,
    options: Readonly<Record<string, string>>,
    key: string,
    signal: AbortSignal,
  ): Promise<SubmittedJob> {
    const body = new FormData();
    for (const [name, value] of Object.entries(options)) body.append(name, value);
    body.append('file', await openAsBlob(path), basename(path));
    const headers = { 'idempotency-key': key };
    const patience = patienceAfter(signal);
    try {
      const init = { method: 'POST', headers, body, signal: patience.signal };
      const response = await this.request('/api/transcribe/jobs/transcribe', init);
      const submitted = submittedSchema.safeParse(await bodyOf(response));
      if (!submitted.success) throw this.notPolyscribe(response);
      return { jobId: submitted.data.job_id, transcriptId: submitted.data.transcript_id };
    } finally {
      patience.clear();
    }
  }

  /** The job's news after that event, until the server closes the stream. */
  async *watch(jobId: string, lastEventId: string | undefined, signal: AbortSignal): AsyncGenerator<JobNews> {
    const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    const response = await this.request(`/api/transcribe/jobs/stream/${jobId}`, { headers, signal });
    if (response.body === null || response.status === 204) return;
    const messages = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
    try {
      for await (const message of messages) {
        const news = readNews(message.event, message.id ?? '', message.data);
        if (news) yield news;
      }
    } catch (error) {
      signal.throwIfAborted();
      throw new MeshUnreachableError('The stream broke off.', { cause: error });
    }
  }

  async download(transcriptId: string, format: Format): Promise<string> {
    return this.read(`/api/transcripts/${transcriptId}/download?format=${format}`);
  }

  /** The result as indented JSON. */
  async result(jobId: string): Promise<string> {
    const text = await this.read(`/api/transcribe/jobs/result/${jobId}`);
    return `${JSON.stringify(JSON.parse(text), undefined, 2)}\n`;
  }

  async cancel(jobId: string): Promise<void> {
    await this.request(`/api/transcribe/jobs/${jobId}`, {
      method: 'DELETE',
      signal: AbortSignal.timeout(ANSWER_DEADLINE_MS),
    });
  }

  /** Whether a mesh answers there. */
  async isAlive(): Promise<boolean> {
    try {
      const response = await fetch(`${this.baseUrl}/health/live`, { signal: AbortSignal.timeout(2_000) });
      return response.ok && liveSchema.safeParse(await response.json()).success;
    } catch {
      // Whatever the reason, no mesh answers there; the caller starts one or says so.
      return false;
    }
  }

  /** A whole body, made when it is read: a transcript of many hours takes a while. */
  private async read(path: string): Promise<string> {
    const signal = AbortSignal.timeout(READ_DEADLINE_MS);
    const response = await this.request(path, { signal });
    try {
      return await response.text();
    } catch (error) {
      throw new MeshUnreachableError(`${this.baseUrl} broke off its answer.`, { cause: error });
    }
  }

  /** The answer, if it is a good one. A request that finds the mesh without its database is sent again. */
  private async request(path: string, init: RequestInit): Promise<Response> {
    for (let repeats = 0; ; repeats++) {
      const response = await this.send(path, init);
      if (response.ok) return response;
      const problem = problemSchema.safeParse(await bodyOf(response));
      if (!problem.success) throw this.notPolyscribe(response);
      const { code, detail } = problem.data;
      if (code !== 'dependency_unavailable' || repeats === MAX_REPEATS) throw new CliError(`${detail} (${code})`);
      // One that is given up meanwhile says so with the next try.
      const given = init.signal ? { signal: init.signal } : {};
      await delay(pauseMs(response.headers.get('retry-after')), undefined, given).catch(() => undefined);
    }
  }

  private async send(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(`${this.baseUrl}${path}`, init);
    } catch (error) {
      if (isTimeout(error))
        throw new CliError(`${this.baseUrl} did not answer in time; is it overloaded?`, { cause: error });
      init.signal?.throwIfAborted();
      throw new MeshUnreachableError(`No answer from ${this.baseUrl}.`, { cause: error });
    }
  }

  private notPolyscribe(response: Response): CliError {
    return new CliError(`The server at ${this.baseUrl} answered ${response.status}; is it Polyscribe?`);
  }
}

/** A signal that follows the other one after LAST_ANSWER_MS. */
function patienceAfter(signal: AbortSignal): { readonly signal: AbortSignal; clear(): void } {
  const over = new AbortController();
  const end = (): void => over.abort(signal.reason);
  let timer: NodeJS.Timeout | undefined;
  const begin = (): void => void (timer = setTimeout(end, LAST_ANSWER_MS));
  if (signal.aborted) end();
  else signal.addEventListener('abort', begin);
  const clear = (): void => {
    clearTimeout(timer);
    signal.removeEventListener('abort', begin);
  };
  return { signal: over.signal, clear };
}

/** How long to wait before a request is sent again, about as long as the answer to it asks for. */
export function pauseMs(retryAfter: string | null): number {
  const seconds = Math.max(0, Number(retryAfter)) || DEFAULT_RETRY_AFTER_S;
  return Math.min(seconds, MAX_RETRY_AFTER_S) * 1_000 * (0.75 + Math.random() / 2);
}

/** undefined when the body is no JSON. @throws MeshUnreachableError when it breaks off */
async function bodyOf(response: Response): Promise<unknown> {
  const text = await response.text().catch((error: unknown) => {
    throw new MeshUnreachableError(`${response.url} broke off its answer.`, { cause: error });
  });
  try {
    return JSON.parse(text);
  } catch {
    // No answer of a mesh: the caller says so.
    return undefined;
  }
}

/** A deadline of `AbortSignal.timeout` has run out. */
function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError';
}

function readNews(event: string | undefined, id: string, data: string): JobNews | undefined {
  switch (event) {
    case undefined:
    case 'message': {
      const { progress, stage } = statusSchema.parse(JSON.parse(data));
      return { type: 'progress', id, progress, stage };
    }
    case 'completed':
      return { type: 'completed' };
    case 'error': {
      const { code, detail } = failureSchema.parse(JSON.parse(data));
      return { type: 'failed', code, detail };
    }
    case 'cancelled':
      return { type: 'cancelled' };
    default:
      return undefined;
  }
}
