import { problemSchema } from '../openapi/response-schemas.js';
import type { GatewayUnderTest } from './gateway-under-test.js';

export const SUBMIT_ROUTE = '/api/transcribe/jobs/transcribe';

/** A part of a form: its name, its text or bytes, and the name of its file. */
export type FormPart = readonly [string, string | Buffer, string?];

export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly pointers: string[];
}

/** Submits over REST, and looks at what becomes of submissions that are refused. */
export class SubmissionClient {
  constructor(private readonly server: GatewayUnderTest) {}

  submit(parts: readonly FormPart[], path = SUBMIT_ROUTE): Promise<Response> {
    const form = new FormData();
    for (const [name, value, filename] of parts) {
      if (typeof value === 'string') form.append(name, value);
      else form.append(name, new Blob([new Uint8Array(value)]), filename ?? 'talk.wav');
    }
    return fetch(this.server.url + path, { method: 'POST', body: form });
  }

  /** Sends a body as it is. */
  post(body: string | ReadableStream<Uint8Array>, contentType: string, signal?: AbortSignal): Promise<Response> {
    return fetch(this.server.url + SUBMIT_ROUTE, {
      method: 'POST',
      body,
      headers: { 'content-type': contentType },
      duplex: 'half',
      ...(signal && { signal }),
    });
  }

  /** Runs something that must be refused and looks for what it left. */
  async refused(act: () => Promise<Response>): Promise<Refusal> {
    const before = [await this.server.countRows(), (await this.server.storedFiles()).length];
    const refusal = await refusalOf(await act());
    expect([await this.server.countRows(), (await this.server.storedFiles()).length]).toEqual(before);
    return refusal;
  }
}

async function refusalOf(response: Response): Promise<Refusal> {
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  const problem = problemSchema.parse(await response.json());
  expect(problem.request_id).toBe(response.headers.get('x-request-id'));
  expect(problem.status).toBe(response.status);
  return {
    status: response.status,
    code: problem.code,
    pointers: (problem.errors ?? []).map(({ pointer }) => pointer),
  };
}
