import { instanceOf } from '../../libs/routing/testing.js';
import type { EngineDirectory } from './engine-directory.js';
import { directoryOf, FakeRegistry } from './testing/fakes.js';

function loads(directory: EngineDirectory): number[] {
  return directory.snapshot().instances.map(({ inFlight }) => inFlight);
}

describe('EngineDirectory', () => {
  it('counts our own calls at once', () => {
    const directory = directoryOf(new FakeRegistry(instanceOf('asr', { inFlight: 1 })));
    const leave = directory.enter('asr');
    expect(loads(directory)).toEqual([2]);
    leave();
    leave();
    expect(loads(directory)).toEqual([1]);
  });

  it('does not count a call twice when the instance reports it', () => {
    const registry = new FakeRegistry(instanceOf('asr'));
    const directory = directoryOf(registry);
    const leave = directory.enter('asr');
    registry.set(instanceOf('asr', { inFlight: 1 }));
    expect(loads(directory)).toEqual([1]);
    leave();
    expect(loads(directory)).toEqual([0]);
  });

  it('keeps the calls of others apart', () => {
    const registry = new FakeRegistry(instanceOf('asr'));
    const directory = directoryOf(registry);
    directory.enter('asr');
    registry.set(instanceOf('asr', { inFlight: 2 }));
    expect(loads(directory)).toEqual([2]);
    expect(directory.isFullOfOurs(instanceOf('asr'))).toBe(false);
    directory.enter('asr');
    expect(directory.isFullOfOurs(instanceOf('asr'))).toBe(true);
  });

  it.each([
    ['the registry has news', (registry: FakeRegistry) => registry.set()],
    ['a call ends', (_: FakeRegistry, leave: () => void) => leave()],
    ['the signal is aborted', (_: FakeRegistry, __: () => void, stop: AbortController) => stop.abort()],
  ])('wakes who waits when %s', async (_title, happen) => {
    const registry = new FakeRegistry(instanceOf('asr'));
    const directory = directoryOf(registry);
    const leave = directory.enter('asr');
    const stop = new AbortController();
    const woken = directory.changed(60_000, stop.signal);
    happen(registry, leave, stop);
    await expect(woken).resolves.toBeUndefined();
  });

  it('wakes who waits after the time given', async () => {
    const directory = directoryOf(new FakeRegistry());
    await expect(directory.changed(5, new AbortController().signal)).resolves.toBeUndefined();
  });
});
