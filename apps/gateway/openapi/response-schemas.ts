import { z } from 'zod';
import {
  breakerStates,
  engineChoices,
  engineKinds,
  errorTable,
  healthStates,
  jobStatuses,
  optionTypes,
  webhookDeliveryStates,
  webhookEvents,
  webhookPayloads,
} from '#contracts';
import { diffTypes } from '#evaluation';
import { acceptedSchema, instant, jobListSchema, jobSchema, resultSchema } from './job-schemas.js';
import { legacySchemas } from './legacy-schemas.js';
import { routeSchema } from './routing-schemas.js';
import { reportAnswerSchema } from '../webhooks/report.schema.js';
import type { RequestSchemaName } from './request-schemas.js';

export { acceptedSchema, jobListSchema, jobSchema, resultSchema };

/** The shapes of answers, for the document; the specs hold real answers against them. */

const errorCodes = Object.keys(errorTable);

export const problemSchema = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().describe('What was wrong and what to do.'),
  code: z.enum(errorCodes as [string, ...string[]]),
  request_id: z.string(),
  retryable: z.boolean(),
  errors: z.array(z.strictObject({ pointer: z.string(), detail: z.string() })).optional(),
  job_status: z.enum(jobStatuses).optional().describe('Where the job stands, when that is in the way.'),
});

const engineInstance = z.strictObject({
  id: z.string(),
  address: z.string(),
  version: z.string().describe('Of its adapter.'),
  state: z.enum(healthStates),
  reason: z.string().optional().describe('Why it does not serve.'),
  breaker: z
    .strictObject({
      state: z.enum(breakerStates),
      since: instant,
      reason: z.string().optional().describe('Why it is not closed.'),
    })
    .describe('An instance whose breaker is not closed is called only where there is no other.'),
  in_flight: z.int(),
  capacity: z.int(),
  speed: z.number().optional().describe('Seconds of audio per second of work; absent until measured.'),
  queue_s: z.number().describe('From the start of a call to the first sign of work.'),
  calls: z.int().describe('Calls that workers measured.'),
  error_rate: z.number().min(0).max(1).describe('Share of calls that failed by the fault of the engine, lately.'),
  errors_5m: z.int().describe('Such failures in the last five minutes.'),
  last_error: z.strictObject({ code: z.string(), message: z.string(), at: instant }).optional(),
  up_since: instant,
  last_seen: instant,
});

const engine = z.strictObject({
  engine: z.enum(engineKinds),
  available: z.boolean(),
  uri: z.string().optional(),
  url: z.string().optional(),
  model: z.string(),
  language: z.string(),
  reason: z.string().optional().describe('Why it is not available, or only where there is no other engine.'),
  models: z.array(z.string()),
  available_models: z.array(z.string()).optional(),
  languages: z.array(z.string()),
  features: z.record(z.string(), z.union([z.boolean(), z.number(), z.null()])),
  engine_options: z
    .array(
      z.strictObject({
        name: z.string().describe('The key; with `*` at its end, any longer key that begins so.'),
        description: z.string(),
        type: z.enum(optionTypes),
        minimum: z.number().optional(),
        maximum: z.number().optional(),
        values: z.array(z.string()).optional().describe('The only texts that are taken.'),
      }),
    )
    .describe('What a submission may say under `engine_options` for this kind.'),
  instances: z.array(engineInstance),
  health: z.strictObject({ status: z.string() }),
});

export const enginesSchema = z.strictObject({
  engines: z.strictObject({ asr: engine, whisperx: engine, local: engine }),
  default_engine: z.enum(engineChoices),
  stale_s: z.number().optional().describe('For how long no engine registry has been reached; absent while one is.'),
});

export const cancelledSchema = z.strictObject({ job_id: z.guid(), status: z.enum(jobStatuses), message: z.string() });

export const statsSchema = z.strictObject({
  queued: z.int(),
  processing: z.int(),
  completed: z.int(),
  failed: z.int(),
  cancelled: z.int(),
  workers: z.int(),
});

const component = z.strictObject({
  status: z.enum(['up', 'down']),
  detail: z.string().optional(),
  latency_ms: z.number(),
});

export const healthSchema = z.strictObject({
  status: z.enum(['up', 'degraded', 'down']),
  components: z.strictObject({
    database: component,
    queue: component,
    events: component,
    objects: component,
    registry: component,
  }),
});

const contextHead = z.strictObject({
  id: z.guid(),
  name: z.string(),
  language: z.string().optional(),
  created_at: instant,
  updated_at: instant,
});

export const contextBodySchema = contextHead.extend({
  terms: z.array(z.strictObject({ phrase: z.string(), boost: z.number().optional() })),
});

export const contextListSchema = z.strictObject({
  contexts: z.array(contextHead.extend({ terms_count: z.int() })),
  next_cursor: z.string().optional().describe('Absent on the last page.'),
});

export const evaluationBodySchema = z.strictObject({
  wer: z.number().nonnegative().describe('(substitutions + insertions + deletions) / reference_words; may exceed 1.'),
  substitutions: z.int(),
  insertions: z.int().describe('Words that nobody said.'),
  deletions: z.int().describe('Words that are missing.'),
  reference_words: z.int(),
  hypothesis_words: z.int(),
  diff: z.array(
    z.strictObject({ type: z.enum(diffTypes), reference: z.string().optional(), hypothesis: z.string().optional() }),
  ),
  diff_truncated: z.boolean().describe('Whether there is more of the difference than is shown.'),
});

export const webhookEndpointSchema = z.strictObject({
  id: z.guid(),
  url: z.string(),
  event_types: z.array(z.enum(webhookEvents)),
  payload: z.enum(webhookPayloads),
  description: z.string(),
  enabled: z.boolean(),
  disabled_reason: z.string().nullable(),
  created_at: instant,
  updated_at: instant,
});

export const newWebhookEndpointSchema = webhookEndpointSchema.extend({ secret: z.string() });

export const webhookDeliveryListSchema = z.strictObject({
  deliveries: z.array(
    z.strictObject({
      id: z.guid(),
      endpoint_id: z.guid().nullable().describe('null for the callback of a job.'),
      job_id: z.guid(),
      event: z.enum(webhookEvents),
      occurred_at: instant,
      state: z.enum(webhookDeliveryStates),
      next_try_at: instant.nullable(),
      delivered_at: instant.nullable(),
      tries: z
        .array(
          z.strictObject({
            at: instant,
            seconds: z.number(),
            status: z.int().nullable().describe('HTTP status; null when no answer came.'),
            error: z.string().nullable(),
            response: z.string().nullable().describe('The beginning of the answer.'),
          }),
        )
        .describe('The last twenty, the newest last.'),
    }),
  ),
  next_cursor: z.string().optional().describe('Absent on the last page.'),
});

export const webhookSecretSchema = z.strictObject({ secret: z.string(), previous_valid_until: instant });

export const responseSchemas = {
  Problem: problemSchema,
  Accepted: acceptedSchema,
  Job: jobSchema,
  JobList: jobListSchema,
  Result: resultSchema,
  Engines: enginesSchema,
  Route: routeSchema,
  Cancelled: cancelledSchema,
  Stats: statsSchema,
  Health: healthSchema,
  Evaluation: evaluationBodySchema,
  Context: contextBodySchema,
  ContextList: contextListSchema,
  WebhookEndpoint: webhookEndpointSchema,
  NewWebhookEndpoint: newWebhookEndpointSchema,
  WebhookEndpointList: z.strictObject({ endpoints: z.array(webhookEndpointSchema) }),
  WebhookSecret: webhookSecretSchema,
  WebhookDeliveryList: webhookDeliveryListSchema,
  Live: z.strictObject({ status: z.literal('up'), service: z.literal('polyscribe') }),
  RemoteReportAnswer: reportAnswerSchema,
  WebhookRedelivery: z.strictObject({ id: z.guid(), message: z.string() }),
  ...legacySchemas,
};
export type SchemaName = keyof typeof responseSchemas | RequestSchemaName;
