import type { Job } from '#contracts';
import { aDocument } from '../formats/testing.js';
import { jobView } from './job-view.js';

const at = (seconds: number): Date => new Date(Date.UTC(2026, 0, 2) + seconds * 1000);

describe('jobView', () => {
  it('estimates the rest by the pace of the work, whatever the wait before it', () => {
    const job: Job = {
      ...aDocument([]).job,
      status: 'processing',
      progress: 50,
      stage: 'transcribing',
      startedAt: at(3600),
      stages: [
        { name: 'queued', startedAt: at(0), seconds: 3600 },
        { name: 'transcribing', startedAt: at(3600) },
      ],
    };
    expect(jobView(job, undefined, at(3610)).eta_s).toBe(10);
  });
});
