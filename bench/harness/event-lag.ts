import type { EventBus } from '#events';
import { watch } from '../../test/support/api.js';
import { withinTime } from './within-time.js';

const DEADLINE_MS = 30_000;

/** How long an event of a running job is on its way from whoever publishes it to a reader of the gateway's stream. */
export class EventLag {
  private readonly arrivals = new Map<string, (at: number) => void>();
  private readonly reading: Promise<void>;
  private sent = 0;

  /** Reads the job's stream until the job ends. */
  constructor(
    private readonly events: EventBus,
    http: string,
    private readonly jobId: string,
  ) {
    this.reading = this.read(http);
    // Told by ended(); it must not end the process before.
    this.reading.catch(() => undefined);
  }

  /** Publishes one and waits for it; the first one also waits for the stream to be open. @returns milliseconds */
  async once(): Promise<number> {
    this.sent += 1;
    const message = `event ${this.sent}`;
    const arrived = new Promise<number>((resolve) => this.arrivals.set(message, resolve));
    const job_id = this.jobId;
    const started = performance.now();
    await this.events.publish(job_id, [
      { type: 'status', data: { job_id, status: 'processing', progress: 0, stage: 'transcribing', message } },
    ]);
    return (await withinTime('The event', DEADLINE_MS, arrived)) - started;
  }

  /** Until the job's end closed the stream. @throws Error when the stream failed */
  async ended(): Promise<void> {
    await withinTime('The end of the stream', DEADLINE_MS, this.reading);
  }

  private async read(http: string): Promise<void> {
    for await (const { data } of watch(http, this.jobId))
      this.arrivals.get(String(data['message']))?.(performance.now());
  }
}
