import type { WebhookDeliveryRepository } from '#persistence';
import type { JobQueue, QueueConsumer } from '#queue';
import type { Logger } from '#telemetry';
import { Rounds } from './rounds.js';
import type { WebhookSender } from './webhook-sender.js';

/** Deliveries that are put in together. */
const PAGE = 200;
/** Deliveries that a worker is at: they mostly wait for others. */
const AT_ONCE = 16;
const PRIORITY = 5;

/**
 * Spreads what is due over the workers, by a queue of its own: transcription does not wait for slow receivers, nor the
 * other way round. The rows say what is due when; an entry that the queue has lost is put in again at the next look.
 */
export class WebhookDispatch {
  private consumer: QueueConsumer | undefined;
  private readonly rounds: Rounds;

  /** @param queue its own; closed with it */
  constructor(
    private readonly queue: JobQueue,
    private readonly deliveries: Pick<WebhookDeliveryRepository, 'due'>,
    private readonly sender: Pick<WebhookSender, 'send'>,
    everyMs: number,
    logger: Logger,
  ) {
    this.rounds = new Rounds('webhooks that are due', () => this.look(), everyMs, logger);
  }

  start(): void {
    this.consumer = this.queue.consume(AT_ONCE, ({ jobId }, signal) => this.sender.send(jobId, signal));
    this.rounds.start();
  }

  /** What is on its way has the time of grace to end. */
  async stop(graceMs: number): Promise<void> {
    await this.rounds.stop();
    await this.consumer?.close(graceMs);
    await this.queue.close();
  }

  private async look(): Promise<void> {
    for (const id of await this.deliveries.due(PAGE)) await this.queue.enqueue({ jobId: id, priority: PRIORITY });
  }
}
