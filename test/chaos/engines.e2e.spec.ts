import { randomInt } from 'node:crypto';
import { engineChaosReport, runEngineChaos } from './engine-chaos.js';

const seed = Number(process.env['CHAOS_SEED'] ?? randomInt(2 ** 31));

/** The short form of what `npm run chaos` does with engines: each kind of fault once. */
describe(`engines of three kinds that misbehave (CHAOS_SEED=${seed})`, () => {
  it('end no job badly, and none at an engine that it forbade', async () => {
    const outcome = await runEngineChaos({ seed, faults: 6, log: (line) => process.stderr.write(`${line}\n`) });
    const report = engineChaosReport(seed, outcome);
    process.stderr.write(`${report}\n`);
    expect(outcome.failures).toEqual([]);
    expect(outcome.addedMs.length).toBeGreaterThan(0);
    expect(outcome.opened).toBeGreaterThan(0);
    expect(outcome.closed).toBeGreaterThan(0);
    expect(outcome.closed + outcome.gone).toBe(outcome.opened);
    expect(outcome.leftOpen).toEqual([]);
  }, 600_000);
});
