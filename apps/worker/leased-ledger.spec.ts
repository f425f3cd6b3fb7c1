import type { JobLeaseRepository, NotedFacts } from '#persistence';
import { eventually } from '#testing';
import { newJob } from '../../libs/persistence/testing.js';
import { LeasedLedger } from './leased-ledger.js';

const lease = { jobId: 'job', token: 'token', workerId: 'worker', attempt: 1 };
const media = { container: 'wav', durationMs: 1_000, audio: { codec: 'pcm_s16le', sampleRateHz: 16_000, channels: 1 } };

/** A ledger on a database of which only what headers say is asked; each write fails with the next of these, if any. */
function ledgerWith(failures: Error[] = []) {
  const written: NotedFacts[] = [];
  const leases: Pick<JobLeaseRepository, 'recordFacts'> = {
    recordFacts: (_lease, facts) => {
      written.push(facts);
      const failure = failures.shift();
      return failure ? Promise.reject(failure) : Promise.resolve();
    },
  };
  const claim = { lease, job: { options: newJob().options }, spans: [] };
  const keeper = { assertHeld: () => undefined };
  const events = { drain: () => Promise.resolve() };
  return { ledger: new LeasedLedger(claim, keeper, leases as JobLeaseRepository, events, () => undefined), written };
}

describe('LeasedLedger', () => {
  it('keeps what the headers say for an end that comes soon', async () => {
    const { ledger, written } = ledgerWith();
    ledger.noteFacts({ media });
    ledger.noteFacts({ expectedMs: 900 });
    expect(await ledger.takeRest()).toEqual({ span: undefined, facts: { media, expectedMs: 900 } });
    await ledger.flush();
    expect(written).toEqual([]);
  });

  it('writes them by themselves where the end does not come soon', async () => {
    const { ledger, written } = ledgerWith();
    ledger.noteFacts({ media });
    await eventually('the facts to be written', () => written.length > 0);
    expect(await ledger.takeRest()).toEqual({ span: undefined, facts: undefined });
    expect(written).toEqual([{ media }]);
  });

  it('gives them to the end where writing them failed, which costs nothing of the work', async () => {
    const { ledger, written } = ledgerWith([new Error('away')]);
    ledger.noteFacts({ media, expectedMs: 1 });
    await eventually('the facts to be written', () => written.length > 0);
    ledger.noteFacts({ expectedMs: 2 });
    expect(await ledger.takeRest()).toEqual({ span: undefined, facts: { media, expectedMs: 2 } });
  });
});
