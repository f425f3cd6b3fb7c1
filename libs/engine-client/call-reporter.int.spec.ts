import { PolyscribeError } from '#contracts';
import { StubRegistry } from '#engine-testkit';
import { createLogger } from '#telemetry';
import { eventually, freePort } from '#testing';
import { CallReporter } from './call-reporter.js';

const logger = createLogger('test', 'silent');
const fault = new PolyscribeError('engine_timeout', 'late');

describe('CallReporter', () => {
  const cleanUps: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });

  async function registryAt(port = 0): Promise<StubRegistry> {
    const registry = await StubRegistry.start({ port });
    cleanUps.push(() => registry.stop());
    return registry;
  }

  function reporterTo(...addresses: readonly string[]): CallReporter {
    const reporter = new CallReporter({ address: addresses.join(','), logger });
    cleanUps.push(() => reporter.close());
    return reporter;
  }

  it('tells every registry of every call, in order', async () => {
    const registries = [await registryAt(), await registryAt()];
    const reporter = reporterTo(...registries.map(({ address }) => address));
    for (const id of ['a', 'b', 'c']) reporter.measure(id).done(1_000);
    reporter.measure('d').failed(fault);
    for (const { reports } of registries) {
      await eventually('four reports', () => reports.length === 4, 60_000);
      expect(reports.map(({ instanceId }) => instanceId)).toEqual(['a', 'b', 'c', 'd']);
      expect(reports[3]).toMatchObject({ error: { code: 'engine_timeout', message: 'late' } });
    }
  }, 120_000);

  it('keeps the newest thousand while a registry is away, and does not keep the others from theirs', async () => {
    const port = await freePort();
    const present = await registryAt();
    const reporter = reporterTo(`127.0.0.1:${String(port)}`, present.address);
    for (let call = 0; call < 1_500; call += 1) reporter.measure(String(call)).failed(fault);
    await eventually('what the present one is told', () => present.reports.at(-1)?.instanceId === '1499', 60_000);
    const late = await registryAt(port);
    await eventually('what the late one is told', () => late.reports.at(-1)?.instanceId === '1499', 60_000);
    expect(late.reports[0]?.instanceId).toBe('500');
    expect(late.reports).toHaveLength(1_000);
    expect(late.reports[0]?.startAgeMs).toBeGreaterThan(0);
  }, 120_000);

  it('is closed at once, also while a registry is away', async () => {
    const reporter = new CallReporter({ address: `127.0.0.1:${String(await freePort())}`, logger });
    reporter.measure('a').failed(fault);
    await reporter.close();
    reporter.measure('a').failed(fault);
    await expect(reporter.close()).resolves.toBeUndefined();
  }, 120_000);
});
