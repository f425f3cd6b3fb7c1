import { interruptionOf, Interruption } from './interruption.js';
import { LeaseKeeper, type LeaseRenewal } from './lease-keeper.js';

const lease = { jobId: 'job', token: 'token', workerId: 'worker', attempt: 1 };

function keeperWith(renew: LeaseRenewal['renew'], leaseMs = 10_000) {
  return new LeaseKeeper({ renew }, lease, { leaseMs, renewEveryMs: 5 });
}

async function aborted(keeper: LeaseKeeper): Promise<string | undefined> {
  if (!keeper.signal.aborted) {
    await new Promise((resolve) => keeper.signal.addEventListener('abort', resolve, { once: true }));
  }
  await keeper.stop();
  return interruptionOf(keeper.signal)?.kind;
}

describe('LeaseKeeper', () => {
  it('renews again and again and leaves the work alone', async () => {
    let renewals = 0;
    const keeper = keeperWith(() => {
      renewals += 1;
      return Promise.resolve('held');
    });
    while (renewals < 3) await new Promise((resolve) => setImmediate(resolve));
    expect(keeper.signal.aborted).toBe(false);
    expect(() => keeper.assertHeld()).not.toThrow();
    await keeper.stop();
    const after = renewals;
    await new Promise((resolve) => setImmediate(resolve));
    expect(renewals).toBe(after);
  });

  it('breaks the work off when the client cancels', async () => {
    await expect(aborted(keeperWith(() => Promise.resolve('cancel_requested')))).resolves.toBe('cancel');
  });

  it('breaks the work off when the lease is lost', async () => {
    await expect(aborted(keeperWith(() => Promise.resolve('lost')))).resolves.toBe('lost');
  });

  it('bears an outage of the database that is shorter than the lease', async () => {
    let renewals = 0;
    const keeper = keeperWith(() => {
      renewals += 1;
      return renewals < 4 ? Promise.reject(new Error('away')) : Promise.resolve('held');
    });
    while (renewals < 6) await new Promise((resolve) => setImmediate(resolve));
    expect(keeper.signal.aborted).toBe(false);
    await keeper.stop();
  });

  it('breaks the work off when the database is away for as long as the lease', async () => {
    const keeper = keeperWith(() => Promise.reject(new Error('away')), 30);
    await expect(aborted(keeper)).resolves.toBe('lost');
    expect(() => keeper.assertHeld()).toThrow('lost');
  });

  it('breaks the work off in time also when a renewal hangs', async () => {
    let release = (): void => undefined;
    const keeper = keeperWith(() => new Promise((resolve) => (release = () => resolve('held'))), 30);
    const kind = new Promise((resolve) =>
      keeper.signal.addEventListener('abort', () => resolve(interruptionOf(keeper.signal)?.kind), { once: true }),
    );
    await expect(kind).resolves.toBe('lost');
    release();
    await keeper.stop();
  });

  it('keeps the first reason', async () => {
    const keeper = keeperWith(() => Promise.resolve('held'));
    keeper.interrupt(new Interruption('timeout'));
    keeper.interrupt(new Interruption('stop'));
    await expect(aborted(keeper)).resolves.toBe('timeout');
  });

  it('lets nothing more be told once it is stopped', async () => {
    const keeper = keeperWith(() => Promise.resolve('held'));
    await keeper.stop();
    expect(() => keeper.assertHeld()).toThrow('lost');
  });
});
