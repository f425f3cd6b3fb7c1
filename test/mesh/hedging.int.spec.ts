import { hasEnded, type Job, type JobEvent, type RegistrySnapshot, unmeasured } from '#contracts';
import { CallReporter, RegistryWatcher } from '#engine-client';
import { type Behaviour, ScriptedEngine, scriptedSpeech, wavFile } from '#engine-testkit';
import { createLogger } from '#telemetry';
import { eventually } from '#testing';
import { TestMesh } from '../support/mesh.js';

const logger = createLogger('test', 'silent');
const never = new AbortController().signal;
const speech = scriptedSpeech([
  ['alpha', 'bravo', 'charlie'],
  ['delta', 'echo', 'alpha'],
]);
const said = ['alpha bravo charlie', 'delta echo alpha'];
/** With fewer nobody is doubted. */
const CALLS = 20;

describe('a second engine for a short file', () => {
  let mesh: TestMesh;
  let behaviour: Behaviour;
  let first: ScriptedEngine;
  let second: ScriptedEngine;
  let firstId: string;
  /** When the second engine was asked. */
  let stateOfFirst: string | undefined;
  let watcher: RegistryWatcher;

  beforeEach(async () => {
    mesh = await TestMesh.start();
    first = new ScriptedEngine({ engine: 'asr', workMsPerSecond: 2_000, behave: () => behaviour });
    second = new ScriptedEngine({
      engine: 'local',
      workMsPerSecond: 2_000,
      behave: () => {
        stateOfFirst = first.calls[0]?.state;
        return { kind: 'work' };
      },
    });
    firstId = (await mesh.host(first)).instanceId;
    await mesh.host(second);
    watcher = new RegistryWatcher({ address: mesh.registryUrl, logger });
    const reporter = new CallReporter({ address: mesh.registryUrl, logger });
    await watcher.waitFor(({ instances }) => instances.length === 2, never);
    for (let call = 0; call < CALLS; call += 1) {
      const meter = reporter.measure(firstId);
      meter.event({ type: 'progress', processedMs: 0, stage: 'transcribing' });
      meter.done(10_000);
    }
    await watcher.waitFor((snapshot) => statsOfFirst(snapshot).calls === CALLS, never);
    await reporter.close();
    await mesh.work({ hedge: true });
  }, 120_000);

  afterEach(async () => {
    await watcher.close();
    await mesh.stop();
  }, 120_000);

  function statsOfFirst({ instances }: RegistrySnapshot) {
    return instances.find(({ id }) => id === firstId)?.stats ?? unmeasured;
  }

  async function done(): Promise<Job> {
    const job = await mesh.submit(wavFile(speech), { engine: 'asr', allowFallback: true });
    await eventually('the job to end', async () => hasEnded((await mesh.find(job)).status), 90_000);
    expect(await mesh.find(job)).toMatchObject({ status: 'completed' });
    expect(await mesh.texts(job)).toEqual(said);
    const events = await mesh.history(job);
    expect(toldBy(events)).toEqual(said);
    expect(events.filter(({ type }) => type === 'void')).toHaveLength(1);
    expect(stateOfFirst).toBe('running');
    return job;
  }

  it('takes its answer, breaks off the slow one, tells of it no more and does not blame it', async () => {
    behaviour = { kind: 'hang', afterSegments: 1 };
    const job = await done();
    const transcript = await mesh.transcripts.findByJob(job.id);
    expect(transcript).toMatchObject({
      engineUsed: 'local',
      fallbackReason: expect.stringContaining('longer') as string,
    });
    await eventually('the slow call to be broken off', () => first.calls[0]?.state === 'aborted', 60_000);
    expect([first.calls.length, second.calls.length]).toEqual([1, 1]);
    // What is reported comes within a second; the second engine's call is the proof that reports have come.
    await watcher.waitFor(
      ({ instances }) => instances.some(({ id, stats }) => id !== firstId && stats.calls === 1),
      never,
    );
    expect(statsOfFirst(watcher.snapshot())).toMatchObject({ calls: CALLS, errorRate: 0, recentErrors: 0 });
  }, 120_000);

  it('takes its answer where the first one fails meanwhile, and says so', async () => {
    behaviour = { kind: 'fail', code: 'engine_bad_response', afterSegments: 1 };
    const transcript = await mesh.transcripts.findByJob((await done()).id);
    expect(transcript).toMatchObject({
      engineUsed: 'local',
      fallbackReason: expect.stringContaining('engine_bad_response') as string,
    });
  }, 120_000);
});

/** What a reader has in hand at the end. */
function toldBy(events: readonly JobEvent[]): string[] {
  const lastVoid = events.findLastIndex(({ type }) => type === 'void');
  return events.slice(lastVoid + 1).flatMap((event) => (event.type === 'delta' ? [event.data.text] : []));
}
