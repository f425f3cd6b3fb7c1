import { z } from 'zod';
import {
  engineChoices,
  engineKinds,
  errorTable,
  jobStatuses,
  webhookDeliveryStates,
  webhookEvents,
  webhookPayloads,
} from '#contracts';

/** The shapes of answers, for the document; the specs hold real answers against them. */

const instant = z.iso.datetime();
const seconds = z.number().nonnegative();
const errorCodes = Object.keys(errorTable);

export const problemSchema = z.object({
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

export const acceptedSchema = z.strictObject({
  job_id: z.guid(),
  transcript_id: z.guid(),
  engine: z.enum(engineChoices),
  status: z.enum(jobStatuses),
  message: z.string(),
});

export const jobSchema = z.strictObject({
  job_id: z.guid(),
  transcript_id: z.guid(),
  status: z.enum(jobStatuses),
  progress: z.number().min(0).max(100),
  stage: z.string(),
  message: z.string(),
  engine: z.enum(engineChoices),
  worker_id: z.string().nullable(),
  attempts: z.int(),
  created_at: instant,
  started_at: instant.nullable(),
  completed_at: instant.nullable(),
  eta_s: z.int().optional().describe('An estimate from the pace so far.'),
  stages: z.array(z.strictObject({ name: z.string(), started_at: instant, seconds: seconds.nullable() })),
  result: z.strictObject({ segments_count: z.int(), duration: seconds }).optional(),
  error: z
    .strictObject({
      code: z.string(),
      message: z.string(),
      retryable: z.boolean(),
      attempts: z.array(
        z.strictObject({ engine: z.enum(engineKinds), instance: z.string(), code: z.string(), message: z.string() }),
      ),
    })
    .optional(),
});

export const jobListSchema = z.strictObject({
  jobs: z.array(jobSchema),
  next_cursor: z.string().optional().describe('Absent on the last page.'),
});

const word = z.strictObject({
  word: z.string(),
  start: seconds,
  end: seconds,
  confidence: z.number().min(0).max(1).optional(),
  speaker_tag: z.int().optional(),
  interpolated: z.boolean().optional(),
});

const segment = z.strictObject({
  id: z.string(),
  start: seconds,
  end: seconds,
  text: z.string(),
  speaker_tag: z.int().optional().describe('From 0 in order of first speech.'),
  channel: z.int().optional(),
  confidence: z.number().min(0).max(1).optional(),
  words: z.array(word).optional(),
});

export const resultSchema = z.strictObject({
  job_id: z.guid(),
  transcript_id: z.guid(),
  status: z.literal('completed'),
  filename: z.string(),
  audio_url: z.string().nullable().describe('Works for an hour; null when the recording is no longer kept.'),
  language: z.string(),
  duration: seconds,
  engine: z.enum(engineChoices),
  engine_used: z.enum(engineKinds),
  model: z.string(),
  fallback_reason: z.string().optional(),
  text: z.string().describe('The texts of the segments, joined by a space.'),
  segments: z.array(segment),
  speaker_roles: z
    .record(z.string(), z.enum(['provider', 'patient', 'agent', 'customer', 'interviewer', 'interviewee']))
    .optional()
    .describe('Speaker tag to role; speakers whose role is not clear are left out.'),
  warnings: z.array(z.strictObject({ code: z.string(), message: z.string() })),
  title: z.string().optional(),
  tags: z.array(z.string()).optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
  db_id: z.string().optional(),
  session_id: z.string().optional(),
});

const engine = z.strictObject({
  engine: z.enum(engineKinds),
  available: z.boolean(),
  uri: z.string().optional(),
  url: z.string().optional(),
  model: z.string(),
  language: z.string(),
  reason: z.string().optional().describe('Why it is not available.'),
  models: z.array(z.string()),
  available_models: z.array(z.string()).optional(),
  languages: z.array(z.string()),
  features: z.record(z.string(), z.union([z.boolean(), z.number(), z.null()])),
  instances: z.array(
    z.strictObject({
      id: z.string(),
      address: z.string(),
      state: z.string(),
      reason: z.string().optional().describe('Why it does not serve.'),
      in_flight: z.int(),
      capacity: z.int(),
      last_seen: instant,
    }),
  ),
  health: z.strictObject({ status: z.string() }),
});

export const enginesSchema = z.strictObject({
  engines: z.strictObject({ asr: engine, whisperx: engine, local: engine }),
  default_engine: z.enum(engineChoices),
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
  Cancelled: cancelledSchema,
  Stats: statsSchema,
  Health: healthSchema,
  Context: contextBodySchema,
  ContextList: contextListSchema,
  WebhookEndpoint: webhookEndpointSchema,
  NewWebhookEndpoint: newWebhookEndpointSchema,
  WebhookEndpointList: z.strictObject({ endpoints: z.array(webhookEndpointSchema) }),
  WebhookSecret: webhookSecretSchema,
  WebhookDeliveryList: webhookDeliveryListSchema,
  WebhookRedelivery: z.strictObject({ id: z.guid(), message: z.string() }),
};
export type SchemaName =
  keyof typeof responseSchemas | 'Submission' | 'ContextContent' | 'WebhookEndpointContent' | 'WebhookEndpointChange';
