import { randomInt } from 'node:crypto';
import { runChaos } from './chaos-run.js';
import { chaosReport } from './report.js';

const seed = Number(process.env['CHAOS_SEED'] ?? randomInt(2 ** 31));

/** The short form of `npm run chaos`: one fault of each kind. */
describe(`a mesh of many processes under faults (CHAOS_SEED=${seed})`, () => {
  it('completes every job with its text, and every reader sees every event once and in order', async () => {
    const outcome = await runChaos({
      seed,
      size: { registries: 2, engines: 2, workers: 2, gateways: 2, workMsPerSecond: 120 },
      jobs: 40,
      longJobs: 2,
      faults: 9,
      overlap: 0.4,
      log: () => undefined,
    });
    const report = chaosReport(seed, outcome);
    process.stderr.write(`${report}\n`);
    expect(outcome.logs === '' ? '' : `${report}\n${outcome.logs}`).toBe('');
    expect(outcome.recoveries).toHaveLength(9);
    expect(outcome.accepted).toBeGreaterThanOrEqual(40);
  }, 600_000);
});
