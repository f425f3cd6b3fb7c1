import { EventSourceParserStream } from 'eventsource-parser/stream';
import { acceptedSchema, problemSchema } from '../openapi/response-schemas.js';
import { silentWav } from './sounds.js';

export interface ReceivedEvent {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
}

/** The REST API as a client uses it. */
export class RestClient {
  constructor(readonly baseUrl: string) {}

  async get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(this.baseUrl + path, { headers });
  }

  async json(path: string, init: RequestInit = {}): Promise<{ status: number; body: unknown }> {
    const response = await fetch(this.baseUrl + path, init);
    return { status: response.status, body: await response.json() };
  }

  async problem(path: string, init: RequestInit = {}) {
    const response = await fetch(this.baseUrl + path, init);
    return problemSchema.parse(await response.json());
  }

  async submit(fields: Readonly<Record<string, string>> = {}): Promise<{ jobId: string; transcriptId: string }> {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append('file', new Blob([new Uint8Array(silentWav(1))]), 'visit.wav');
    const response = await fetch(`${this.baseUrl}/api/transcribe/jobs/transcribe`, { method: 'POST', body: form });
    const { job_id: jobId, transcript_id: transcriptId } = acceptedSchema.parse(await response.json());
    return { jobId, transcriptId };
  }

  /** Events as they come, until the server closes. */
  async *events(jobId: string, lastEventId?: string): AsyncGenerator<ReceivedEvent> {
    const headers: Record<string, string> = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    const response = await this.get(`/api/transcribe/jobs/stream/${jobId}`, headers);
    if (response.body === null) return;
    const messages = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
    for await (const { id, event, data } of messages) {
      yield { id: id ?? '', type: event ?? 'status', data: JSON.parse(data) };
    }
  }

  async allEvents(jobId: string, lastEventId?: string): Promise<ReceivedEvent[]> {
    const received: ReceivedEvent[] = [];
    for await (const event of this.events(jobId, lastEventId)) received.push(event);
    return received;
  }
}
