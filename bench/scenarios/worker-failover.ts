import { join } from 'node:path';
import { eventually } from '#testing';
import { BenchMesh } from '../harness/bench-mesh.js';
import { JobFeeder } from '../harness/job-feeder.js';
import type { Figures, Scenario } from '../harness/scenario.js';
import { speechFile } from '../harness/speech-file.js';

const DEADLINE_MS = 90_000;
const FAILOVER = 'worker failover s';

/** How long the job of a worker that was killed lies still. */
export const workerFailover: Scenario = {
  name: 'worker-failover',
  title: 'From the death of a worker in the middle of a job to another one taking the job up',
  against: 'nothing: the lease of 10 s has to lapse first',
  goals: [{ figure: FAILOVER, as: 'absolute' }],
  growth: { none: 'a wait for a lease, not work' },
  budget: { quickS: 25, fullS: 75 },
  mostRounds: { quick: 1, full: 3 },
  amount: () => '1 killed worker',
  async open() {
    // Its calls last until the job is cancelled.
    const endless = { main: 'bench/bare/counting-engine.js', env: { WORK_MS: String(DEADLINE_MS * 10) } };
    const mesh = await BenchMesh.start({ engines: [endless], workers: 1, gateways: 0, redis: false });
    const feeder = await JobFeeder.open(mesh);
    const media = await feeder.store(speechFile(join(mesh.folder, 'clip.wav'), 1, '-ar', '16000'), 'audio/wav');
    return {
      async mesh({ round }): Promise<Figures> {
        // There is nothing in it that gets warm.
        if (round === 0) return {};
        const jobId = await feeder.submit(media);
        await feeder.begun(jobId, DEADLINE_MS);
        const first = mesh.workers.at(-1);
        await mesh.addWorker();
        const killed = performance.now();
        await first?.kill();
        const isTakenAgain = async () => (await feeder.taken(jobId)).attempts > 1;
        await eventually('another worker to take the job up', isTakenAgain, DEADLINE_MS);
        const seconds = (performance.now() - killed) / 1000;
        await feeder.cancel(jobId, DEADLINE_MS);
        return { [FAILOVER]: seconds };
      },
      async close() {
        await feeder.close();
        await mesh.close();
      },
    };
  },
};
