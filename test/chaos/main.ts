import { randomInt } from 'node:crypto';
import { runChaos } from './chaos-run.js';
import { engineChaosReport, runEngineChaos } from './engine-chaos.js';
import { chaosReport } from './report.js';
import { withTestServer } from '../support/with-test-server.js';

/**
 * The long form: 300 jobs on a mesh of eleven processes and three servers, four of each kind of fault; then engines of three
 * kinds that misbehave, twelve faults each. `CHAOS_SEED` repeats a run's schedule.
 */
const seed = Number(process.env['CHAOS_SEED'] ?? randomInt(2 ** 31));
const started = performance.now();

function say(line: string): void {
  process.stderr.write(`${((performance.now() - started) / 1000).toFixed(1).padStart(7)} s  ${line}\n`);
}

const breakOff = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => breakOff.abort());

say(`CHAOS_SEED=${seed}`);
const outcome = await runChaos({
  seed,
  size: { registries: 2, engines: 3, workers: 3, gateways: 2, workMsPerSecond: 200 },
  jobs: Number(process.env['CHAOS_JOBS'] ?? 300),
  longJobs: 20,
  faults: Number(process.env['CHAOS_FAULTS'] ?? 36),
  overlap: 0.4,
  signal: breakOff.signal,
  log: say,
});
process.stderr.write(outcome.logs === '' ? '' : `${outcome.logs}\n`);
process.stdout.write(`${chaosReport(seed, outcome)}\n`);

say('engines that misbehave');
const engines = await withTestServer(() =>
  runEngineChaos({ seed, faults: Number(process.env['CHAOS_ENGINE_FAULTS'] ?? 36), log: say }),
);
process.stdout.write(`${engineChaosReport(seed, engines)}\n`);
const isWell = outcome.logs === '' && engines.failures.length === 0 && engines.leftOpen.length === 0;
process.exitCode = isWell ? 0 : 1;
