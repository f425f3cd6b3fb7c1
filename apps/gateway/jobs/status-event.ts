import type { Job, JobEventBody } from '#contracts';

/** The event that tells where a job stands. */
export function statusEvent(job: Job): JobEventBody {
  return {
    type: 'status',
    data: {
      job_id: job.id,
      status: job.status,
      progress: job.progress,
      stage: job.stage,
      message: job.message,
    },
  };
}
