import { json, jsonBody, operation } from './api-operation.js';
import type { Paths } from './openapi-types.js';

export const evaluationPaths: Paths = {
  '/api/evaluate': {
    post: operation({
      id: 'evaluate',
      tag: 'transcripts',
      summary: 'Measure a transcript against what was said',
      description:
        'Word error rate with its substitutions, insertions and deletions, and where they are. Each side is a text or a transcript of ours.',
      body: jsonBody('EvaluationRequest'),
      ok: { 200: json('Evaluation', 'The figures and the differences.') },
      errors: ['transcript_not_found', 'job_not_completed', 'payload_too_large', 'rate_limited'],
    }),
  },
};
