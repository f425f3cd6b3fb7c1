import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { hear, withoutWords } from './heard.js';
import { HttpDouble, type SeenRequest } from './http-double.js';

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly retryAfter?: string;
}

export type PolyscribeFault =
  /** Refuses before it has read the audio. */
  | { readonly refuse: Refusal }
  /** The last event is an error. */
  | { readonly fail: { readonly code: string; readonly retry_after_s?: number; readonly details?: readonly object[] } }
  /** Ends its answer after the first event, in good order or by a reset. */
  | { readonly breakOff: 'end' | 'reset' }
  /** Says nothing more after the first event. */
  | { readonly hang: true }
  /** Has the request wait for its turn so long. */
  | { readonly queueMs: number }
  /** Sends this text as its result. */
  | { readonly result: string };

/** Our own server as its wire is described: health, models, NDJSON with progress. */
export class PolyscribeDouble extends HttpDouble {
  models = ['base', 'large-v3', 'large-v3-turbo'];
  device = 'cuda';
  diarization = true;
  apiKey: string | undefined;
  notReady: Record<string, unknown> | undefined;
  fault: PolyscribeFault | undefined;
  readonly options: Record<string, unknown>[] = [];

  constructor() {
    super();
    this.route('GET', '/health', (_seen, response) => this.health(response));
    this.route('GET', '/ready', (_seen, response) =>
      this.json(response, this.notReady ? 503 : 200, this.notReady ?? { ready: true, reasons: [] }),
    );
    this.route('GET', '/v1/models', (seen, response) => this.modelList(seen, response));
    this.route('POST', '/v1/transcribe', (seen, response, request) => this.transcribe(seen, response, request));
    this.route('DELETE', '/v1/jobs/*', (_seen, response) => this.json(response, 202, {}));
  }

  private health(response: ServerResponse): void {
    this.json(response, 200, {
      status: 'ok',
      service: 'whisperx',
      version: '0.1.0',
      device: this.device,
      diarization_available: this.diarization,
    });
  }

  private modelList(seen: SeenRequest, response: ServerResponse): void {
    if (this.refusesKey(seen, response)) return;
    this.json(response, 200, {
      object: 'list',
      data: this.models.map((id) => ({ id, object: 'model', loaded: false, default: id === 'large-v3' })),
      languages: { transcribe: ['en', 'de', 'jw', 'yue'], align: ['en', 'de'] },
    });
  }

  private refusesKey(seen: SeenRequest, response: ServerResponse): boolean {
    if (this.apiKey === undefined || seen.headers.authorization === `Bearer ${this.apiKey}`) return false;
    this.json(response, 401, { error: { code: 'UNAUTHORIZED', message: 'no', retryable: false } });
    return true;
  }

  private refuse({ status, code, retryAfter }: Refusal, response: ServerResponse): void {
    const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
    this.json(response, status, { error: { code, message: 'secret words', retryable: false } }, headers);
  }

  private async transcribe(seen: SeenRequest, response: ServerResponse, request: IncomingMessage): Promise<void> {
    if (this.refusesKey(seen, response)) return;
    const { fault } = this;
    if (fault && 'refuse' in fault) {
      this.refuse(fault.refuse, response);
      return;
    }
    const pcm = await this.read(seen, request);
    const options = JSON.parse(seen.query.get('options') ?? '{}') as Record<string, unknown>;
    this.options.push(options);
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    const send = (event: Record<string, unknown>): void => {
      response.write(`${JSON.stringify({ seq: 0, t: 0, ...event })}\n`);
    };
    send({ type: 'accepted', request_id: seen.headers['x-request-id'], model: options['model'], queue_position: 0 });
    if (fault && 'hang' in fault) return;
    if (fault && 'breakOff' in fault) {
      breakOff(fault.breakOff, response, request);
      return;
    }
    await this.sendWork(send, fault && 'queueMs' in fault ? fault.queueMs : 0);
    if (fault && 'fail' in fault) send({ type: 'error', error: { message: 'secret words', ...fault.fail } });
    else if (fault && 'result' in fault) response.write(`${fault.result}\n`);
    else send({ type: 'result', result: this.result(pcm, options) });
    response.end();
  }

  private async sendWork(send: (event: Record<string, unknown>) => void, queueMs: number): Promise<void> {
    send({ type: 'progress', phase: 'queued', percent: null, overall: 0, position: 1 });
    await delay(queueMs);
    for (const [phase, overall] of [
      ['loading', 5],
      ['transcribing', 40],
      ['transcribing', 38],
      ['aligning', 60],
      ['finalizing', 100],
    ] as const) {
      send({ type: 'progress', phase, percent: null, overall });
    }
    send({ type: 'heartbeat' });
    send({ type: 'warning', code: 'ALIGN_PARTIAL', message: 'Some words could not be aligned.' });
  }

  private result(pcm: Buffer, options: Record<string, unknown>): Record<string, unknown> {
    const segments = hear(pcm, options['diarize'] === true);
    return {
      language: options['language'] ?? 'en',
      duration_s: pcm.length / 32_000,
      model: options['model'],
      task: options['task'],
      segments: options['align'] === true ? segments : withoutWords(segments),
      warnings: [{ code: 'ALIGN_PARTIAL', message: 'Some words could not be aligned.' }],
    };
  }
}

function breakOff(how: 'end' | 'reset', response: ServerResponse, request: IncomingMessage): void {
  if (how === 'end') response.end();
  else request.socket.resetAndDestroy();
}
