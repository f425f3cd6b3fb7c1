import { Injectable } from '@nestjs/common';
import { type DiffRun, Evaluator, type TextComparison } from '#evaluation';
import { fullText } from '#formats';
import { TranscriptQueries } from '../jobs/transcript-queries.service.js';
import { fieldErrors, invalid } from '../submit/field-errors.js';
import { evaluationFields, type EvaluationRequest, evaluationSchema } from './evaluation.schema.js';

/** Runs of a difference that are shown. */
const MAX_RUNS = 10_000;

export interface EvaluationBody {
  wer: number;
  substitutions: number;
  insertions: number;
  deletions: number;
  reference_words: number;
  hypothesis_words: number;
  diff: readonly DiffRun[];
  /** Whether there is more of the difference than is shown. */
  diff_truncated: boolean;
}

/** Measures transcripts against what was said. */
@Injectable()
export class Evaluations {
  constructor(
    private readonly transcripts: TranscriptQueries,
    private readonly evaluator: Evaluator,
  ) {}

  /**
   * @throws PolyscribeError `invalid_request`, `transcript_not_found`, `job_not_completed`, `payload_too_large`,
   *   `rate_limited`
   */
  async evaluate(body: unknown, signal: AbortSignal): Promise<EvaluationBody> {
    const parsed = evaluationSchema.safeParse(body);
    if (!parsed.success) throw invalid(fieldErrors(parsed.error.issues, evaluationFields));
    const { ignore_case: ignoreCase, ignore_punctuation: ignorePunctuation } = parsed.data;
    const [reference, hypothesis] = [
      await this.textOf(parsed.data, 'reference'),
      await this.textOf(parsed.data, 'hypothesis'),
    ];
    const rules = { ignoreCase, ignorePunctuation };
    return evaluationBody(await this.evaluator.run({ kind: 'texts', reference, hypothesis, rules }, signal));
  }

  private async textOf(request: EvaluationRequest, side: 'reference' | 'hypothesis'): Promise<string> {
    const id = request[`${side}_transcript_id`];
    if (id === undefined) return request[side] ?? '';
    const job = await this.transcripts.jobOf(id);
    const { transcript } = await this.transcripts.byJob(job.id);
    return fullText(transcript.segments);
  }
}

function evaluationBody({ wer, diff, ...counts }: TextComparison): EvaluationBody {
  return {
    wer: Math.round(wer * 1e6) / 1e6,
    substitutions: counts.substitutions,
    insertions: counts.insertions,
    deletions: counts.deletions,
    reference_words: counts.referenceWords,
    hypothesis_words: counts.hypothesisWords,
    diff: diff.slice(0, MAX_RUNS),
    diff_truncated: diff.length > MAX_RUNS,
  };
}
