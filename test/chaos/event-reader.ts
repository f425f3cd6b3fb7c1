import { EventSourceParserStream } from 'eventsource-parser/stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { SseMessage } from '../support/api.js';
import type { Cluster } from './cluster.js';
import type { Random } from './random.js';

const PAUSE_MS = 200;
/** After how many events a reader goes away by itself, at least and at most. */
const READS_BEFORE_LEAVING = [3, 15] as const;

/** Follows one job over whatever breaks: each connection goes to another gateway and on from the last event. */
export class EventReader {
  readonly messages: SseMessage[] = [];
  connections = 0;
  /** When the latest event came, as `performance.now()` tells. */
  heardAt = 0;
  private lastProblem = '';

  /** @param first which gateway to begin with */
  constructor(
    private readonly cluster: Cluster,
    readonly jobId: string,
    private readonly first: number,
    private readonly random: Random,
  ) {}

  get last(): SseMessage | undefined {
    return this.messages.at(-1);
  }

  get ended(): boolean {
    return ['completed', 'error', 'cancelled'].includes(this.last?.type ?? '');
  }

  /** Whether a worker has begun with the job, as far as this reader was told. */
  get begun(): boolean {
    return this.messages.some(({ data }) => data['status'] === 'processing');
  }

  /** Why it does not get on, for a report. */
  get problem(): string {
    return this.lastProblem;
  }

  /** Reads until the job has ended. @param signal ends it from outside */
  async readToEnd(signal: AbortSignal): Promise<void> {
    while (!this.ended && !signal.aborted) {
      try {
        if (await this.readOnce(signal)) return;
      } catch (error) {
        this.lastProblem = String(error);
      }
      this.connections += 1;
      await delay(PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** One connection. @returns whether the server says that there is nothing more to read */
  private async readOnce(signal: AbortSignal): Promise<boolean> {
    const { gateways } = this.cluster;
    const gateway = gateways[(this.first + this.connections) % gateways.length];
    const leaving = new AbortController();
    const either = AbortSignal.any([signal, leaving.signal]);
    const headers = this.last ? { 'last-event-id': this.last.id } : {};
    const url = `${gateway?.http ?? ''}/api/transcribe/jobs/stream/${this.jobId}`;
    const response = await fetch(url, { headers, signal: either });
    if (response.status === 204) return true;
    if (!response.ok || !response.body) throw new Error(`${response.status} ${await response.text()}`);
    const parsed = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
    let left = this.random.between(...READS_BEFORE_LEAVING);
    try {
      for await (const { id, event, data } of parsed) {
        const message = { id: id ?? '', type: event ?? 'status', data: JSON.parse(data) as Record<string, unknown> };
        this.messages.push(message);
        this.heardAt = performance.now();
        left -= 1;
        if (left === 0) break;
      }
    } finally {
      leaving.abort();
    }
    return false;
  }
}
