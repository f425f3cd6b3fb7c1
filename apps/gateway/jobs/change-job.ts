import type { Job } from '#contracts';
import { inAnswerTime } from '../answer-time.js';
import { isUuid, unknownJob } from './job-id.js';
import type { JobQueries } from './job-queries.service.js';

/**
 * Changes the row and reads it again. Only this has the deadline of an answer: once it is done the change is a fact, and
 * no delay of queue or event bus may make the answer say otherwise.
 *
 * @param whatAnswers what is to blame when the answer takes too long
 * @throws PolyscribeError `job_not_found`, `dependency_unavailable`
 */
export function changeJob<Outcome extends string>(
  queries: JobQueries,
  jobId: string,
  write: () => Promise<Outcome | 'unknown'>,
  whatAnswers = 'database',
): Promise<{ job: Job; outcome: Outcome }> {
  const written = async (): Promise<{ job: Job; outcome: Outcome }> => {
    const outcome = isUuid(jobId) ? await write() : 'unknown';
    if (outcome === 'unknown') throw unknownJob(jobId);
    return { job: await queries.get(jobId), outcome };
  };
  return inAnswerTime(written(), whatAnswers);
}
