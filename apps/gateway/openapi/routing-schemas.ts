import { z } from 'zod';
import { breakerStates, engineKinds } from '#contracts';
import { policyKinds } from '#routing';

const figure = z.number().nonnegative();

/** The answer of the dry run. */
export const routeSchema = z.strictObject({
  policy: z.strictObject({ kind: z.enum(policyKinds), engines: z.array(z.enum(engineKinds)).optional() }),
  accepted: z.boolean().describe('Whether a submission would be taken.'),
  refusal: z
    .strictObject({
      code: z.string(),
      status: z.int(),
      detail: z.string(),
      errors: z.array(z.strictObject({ pointer: z.string(), detail: z.string() })).optional(),
    })
    .optional(),
  last_resort: z.boolean().describe('The breaker of every candidate is open; there is nobody else.'),
  call_s: figure.nullable().describe('Length of the engine call that was routed; long audio is cut.'),
  candidates: z.array(
    z.strictObject({
      instance: z.string(),
      engine: z.enum(engineKinds),
      behind_by: z.string().optional().describe('The name in `rank` that put it behind the one before it.'),
      rank: z
        .array(z.strictObject({ name: z.string(), value: z.number() }))
        .describe('What it was compared by, in this order; smaller is better.'),
      figures: z.strictObject({
        expected_s: figure.describe('Seconds until the call is done, with the tries that takes.'),
        cost: figure,
        load: figure,
        real_time_factor: figure.nullable().describe('null where nobody has measured it.'),
        error_rate: z.number().min(0).max(1),
        queue_ms: figure,
        in_flight: z.int(),
        capacity: z.int(),
        breaker: z.enum(breakerStates),
      }),
    }),
  ),
  rejections: z.array(
    z.strictObject({
      instance: z.string(),
      engine: z.enum(engineKinds),
      code: z.string(),
      detail: z.string(),
      permanent: z.boolean().describe('It lacks what the request needs; otherwise that may change.'),
    }),
  ),
});
