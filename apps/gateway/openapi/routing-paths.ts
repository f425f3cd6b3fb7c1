import { z } from 'zod';
import { routeQuery } from '../routing/route-preview.service.js';
import { jobOptionsSchema } from '../submit/job-options.schema.js';
import { json, operation, query, queryOf } from './api-operation.js';
import type { Paths } from './openapi-types.js';

/** The options of a submission that have a say in routing. */
const { shape } = jobOptionsSchema;
const bearing = z.object({
  engine: shape.engine,
  allow_fallback: shape.allow_fallback,
  language: shape.language,
  model: shape.model,
  task: shape.task,
  profile: shape.profile,
  enable_diarization: shape.enable_diarization,
  word_timestamps: shape.word_timestamps,
  punctuation: shape.punctuation,
  profanity_filter: shape.profanity_filter,
  verbatim: shape.verbatim,
  on_unsupported: shape.on_unsupported,
});

export const routingPaths: Paths = {
  '/api/transcribe/jobs/route': {
    get: operation({
      id: 'previewRoute',
      tag: 'engines',
      summary: 'How a submission would be routed now',
      description:
        'Takes the options of a submission and creates nothing: the policy, the engine instances that could serve in order of preference with what they were compared by, and the others with the reason. Options that have no say in it are checked as well.',
      parameters: [
        ...queryOf(routeQuery),
        ...queryOf(bearing),
        query('engine_options', { type: 'string' }, 'JSON, as in the form of a submission.'),
      ],
      ok: { 200: json('Route', 'The decision.') },
      errors: ['invalid_request', 'unknown_engine', 'context_not_found'],
    }),
  },
};
