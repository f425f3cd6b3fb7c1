/** Ends of jobs, as webhooks tell of them. */
export const jobEndEvents = ['job.completed', 'job.failed', 'job.cancelled'] as const;
/** What is told of by webhooks. `job.offered` asks remote workers to take a job. */
export const webhookEvents = [...jobEndEvents, 'job.offered'] as const;
export type WebhookEvent = (typeof webhookEvents)[number];

/** `thin` says what happened to which job; `full` holds the result as well. */
export const webhookPayloads = ['thin', 'full'] as const;
export type WebhookPayload = (typeof webhookPayloads)[number];

/** Where a job's client wants to hear of its end. */
export interface JobCallback {
  /** May hold a secret: never logged, never shown. */
  readonly url: string;
  readonly payload: WebhookPayload;
  /** Whether it is to hear of failures too. */
  readonly onError: boolean;
}

/** An address that hears of the ends of all jobs, or takes jobs as a remote worker. */
export interface WebhookEndpoint {
  readonly id: string;
  readonly url: string;
  /** Empty means all ends; offers go only where they are named. */
  readonly eventTypes: readonly WebhookEvent[];
  readonly payload: WebhookPayload;
  /** For people. */
  readonly description: string;
  /** Why it hears of nothing; undefined while it does. */
  readonly disabledReason?: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export const webhookDeliveryStates = ['pending', 'delivered', 'failed'] as const;
export type WebhookDeliveryState = (typeof webhookDeliveryStates)[number];

/** One try to deliver. */
export interface WebhookTry {
  /** ISO 8601. */
  readonly at: string;
  readonly durationMs: number;
  /** HTTP status; undefined when no answer came. */
  readonly status?: number;
  /** Why no answer came. */
  readonly error?: string;
  /** The beginning of what was answered. */
  readonly response?: string;
}

/** One event on its way to one address. */
export interface WebhookDelivery {
  readonly id: string;
  /** undefined for the callback of a job. */
  readonly endpointId?: string;
  readonly jobId: string;
  readonly event: WebhookEvent;
  readonly occurredAt: Date;
  readonly state: WebhookDeliveryState;
  /** undefined once no further try is meant. */
  readonly nextTryAt?: Date;
  readonly deliveredAt?: Date;
  /** The last ones, the newest last. */
  readonly tries: readonly WebhookTry[];
  readonly createdAt: Date;
}
