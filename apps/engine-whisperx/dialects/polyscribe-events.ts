import { z } from 'zod';

const warning = z.object({ code: z.string().max(100), message: z.string().catch('') });

const errorBody = z.object({
  code: z.string().max(100),
  message: z.string().catch(''),
  /** What is wrong with which option. */
  details: z
    .array(z.object({ field: z.string(), message: z.string() }))
    .max(20)
    .catch([]),
  retry_after_s: z.number().positive().max(3_600).optional().catch(undefined),
});
export type ServerError = z.output<typeof errorBody>;

const result = z.looseObject({
  model: z.string().max(200).optional().catch(undefined),
  warnings: z.array(warning).max(100).catch([]),
});

const events = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('progress'),
    phase: z.string().max(50),
    overall: z.number().optional().catch(undefined),
  }),
  z.object({ type: z.literal('warning'), code: z.string().max(100), message: z.string().catch('') }),
  z.object({ type: z.literal('error'), error: errorBody }),
  z.object({ type: z.literal('result'), result }),
]);
export type ServerEvent = z.output<typeof events>;

/** One line of the server's answer; undefined for those that say nothing an engine could use, such as heartbeats. */
export function serverEvent(value: unknown): ServerEvent | undefined {
  return events.safeParse(value).data;
}

/** The error in the body of an answer that went wrong; undefined when there is none. */
export function errorOf(value: unknown): ServerError | undefined {
  return z.object({ error: errorBody }).safeParse(value).data?.error;
}
