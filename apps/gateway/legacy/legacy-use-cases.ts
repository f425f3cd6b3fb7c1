import type { INestApplicationContext } from '@nestjs/common';
import { StreamController } from '../http/stream.controller.js';
import { SubmitController } from '../http/submit.controller.js';
import { CancelJob } from '../jobs/cancel-job.service.js';
import { JobQueries } from '../jobs/job-queries.service.js';
import { TranscriptQueries } from '../jobs/transcript-queries.service.js';

/** What the paths of predecessors call: the same that our own do. */
export interface LegacyUseCases {
  readonly submissions: SubmitController;
  readonly streams: StreamController;
  readonly jobs: JobQueries;
  readonly cancelJob: CancelJob;
  readonly transcripts: TranscriptQueries;
}

export function legacyUseCases(app: INestApplicationContext): LegacyUseCases {
  return {
    submissions: app.get(SubmitController),
    streams: app.get(StreamController),
    jobs: app.get(JobQueries),
    cancelJob: app.get(CancelJob),
    transcripts: app.get(TranscriptQueries),
  };
}
