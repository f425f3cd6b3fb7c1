import type { JobEventBody } from '#contracts';
import { eventually } from '#testing';
import { EventPump } from './event-pump.js';

function partial(span: number): JobEventBody {
  return { type: 'partial', data: { span, text: 'x', t0: 0 } };
}

/** A bus whose writes end when the test says so. */
function slowBus() {
  const batches: number[][] = [];
  const ends: (() => void)[] = [];
  const publish = (events: readonly JobEventBody[]) => {
    batches.push(events.map((event) => (event.type === 'partial' ? event.data.span : -1)));
    return new Promise<void>((resolve) => ends.push(resolve));
  };
  const endNext = async () => {
    while (ends.length === 0) await new Promise((resolve) => setImmediate(resolve));
    ends.shift()?.();
  };
  return { batches, publish, endNext };
}

describe('EventPump', () => {
  it('sends what came during a write together with the next one, in order', async () => {
    const { batches, publish, endNext } = slowBus();
    const pump = new EventPump(publish);
    for (const span of [0, 1, 2]) await pump.add(partial(span));
    const drained = pump.drain();
    await endNext();
    await endNext();
    await drained;
    expect(batches).toEqual([[0], [1, 2]]);
  });

  it('holds back what is in no hurry until something is, and keeps the order', async () => {
    const { batches, publish, endNext } = slowBus();
    const pump = new EventPump(publish);
    await pump.addPatiently(partial(0));
    await pump.drain();
    expect(batches).toEqual([]);
    await pump.add(partial(1));
    await pump.addPatiently(partial(2));
    await endNext();
    await pump.drain();
    expect(batches).toEqual([[0, 1]]);
    expect(await pump.seal(1_000)).toEqual([partial(2)]);
    await pump.addPatiently(partial(3));
    expect(await pump.seal(1_000)).toEqual([]);
  });

  it('sends what is in no hurry by itself after a moment', async () => {
    const { batches, publish, endNext } = slowBus();
    const pump = new EventPump(publish);
    await pump.addPatiently(partial(0));
    await eventually('the write', () => batches.length > 0);
    await endNext();
    await pump.drain();
    expect(batches).toEqual([[0]]);
  });

  it('lets what is in a hurry linger for a moment, and no longer once that is asked for', async () => {
    const { batches, publish, endNext } = slowBus();
    const pump = new EventPump(publish, () => 60_000);
    for (const span of [0, 1]) await pump.add(partial(span));
    const drained = pump.drain();
    await endNext();
    await drained;
    expect(batches).toEqual([[0, 1]]);
  });

  it('sends what lingers by itself after that moment, with what is in no hurry', async () => {
    const { batches, publish, endNext } = slowBus();
    const pump = new EventPump(publish, () => 1);
    await pump.addPatiently(partial(0));
    await pump.add(partial(1));
    await eventually('the write', () => batches.length > 0);
    await endNext();
    expect(batches).toEqual([[0, 1]]);
  });

  it('gives out what lingers when it is sealed', async () => {
    const { batches, publish } = slowBus();
    const pump = new EventPump(publish, () => 60_000);
    await pump.add(partial(0));
    await pump.addPatiently(partial(1));
    expect(await pump.sealWhole(1_000)).toEqual([partial(0), partial(1)]);
    await pump.drain();
    expect(batches).toEqual([]);
  });

  it('says when it is sealed that something could not be sent, where that matters', async () => {
    const pump = new EventPump(() => Promise.reject(new Error('bus is down')));
    await pump.add(partial(0));
    await expect(pump.sealWhole(1_000)).rejects.toThrow('bus is down');
    const { publish } = slowBus();
    const silent = new EventPump(publish);
    await silent.add(partial(0));
    await expect(silent.sealWhole(10)).rejects.toMatchObject({ code: 'dependency_unavailable' });
  });

  it('has nothing to wait for when nothing was added', async () => {
    await expect(new EventPump(() => Promise.resolve()).drain()).resolves.toBeUndefined();
  });

  it('makes producers wait when the bus is slow', async () => {
    const { publish, endNext } = slowBus();
    const pump = new EventPump(publish);
    let added = 0;
    const producer = (async () => {
      for (; added < 500; added += 1) await pump.add(partial(added));
      await pump.drain();
    })();
    await endNext();
    expect(added).toBeLessThan(250);
    for (let writes = 0; writes < 4 && added < 500; writes += 1) await endNext();
    const finish = setInterval(() => void endNext(), 1);
    await producer;
    clearInterval(finish);
    expect(added).toBe(500);
  });

  it('ends with a failure that is thrown before anything is sent', async () => {
    const pump = new EventPump(() => {
      throw new Error('lease is over');
    });
    await pump.add(partial(0));
    // A promise that settles without ever giving way would hang the process here, and no deadline could end it.
    await expect(pump.drain()).rejects.toThrow('lease is over');
    await expect(pump.add(partial(1))).rejects.toThrow('lease is over');
  });

  it('waits for what is under way when it is sealed, and takes nothing more', async () => {
    const { batches, publish, endNext } = slowBus();
    const pump = new EventPump(publish);
    for (const span of [0, 1]) await pump.add(partial(span));
    let isSealed = false;
    const sealed = pump.seal(60_000).then(() => (isSealed = true));
    await pump.add(partial(2));
    await endNext();
    expect(isSealed).toBe(false);
    await endNext();
    await sealed;
    await pump.add(partial(3));
    expect(batches).toEqual([[0], [1]]);
  });

  it('does not wait for long for a bus that does not answer, and sends nothing afterwards', async () => {
    const { batches, publish, endNext } = slowBus();
    const pump = new EventPump(publish);
    for (const span of [0, 1]) await pump.add(partial(span));
    await pump.seal(10);
    await endNext();
    await pump.drain();
    expect(batches).toEqual([[0]]);
  });

  it('ends with the first failure and sends nothing after it', async () => {
    let writes = 0;
    const pump = new EventPump(() => {
      writes += 1;
      return Promise.reject(new Error('bus is down'));
    });
    await pump.add(partial(0));
    await expect(pump.drain()).rejects.toThrow('bus is down');
    await expect(pump.add(partial(1))).rejects.toThrow('bus is down');
    expect(writes).toBe(1);
  });
});
