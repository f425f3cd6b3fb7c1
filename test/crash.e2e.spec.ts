import { accepted, result, textsFromDeltas, watch, watchToEnd } from './support/api.js';
import { MeshProcess, sample, temporaryDataDir } from './support/mesh-process.js';

/** What a power cut, a second start and a plain restart do to a mesh's data: nothing. */
describe('a mesh that dies and comes back', () => {
  let data: Awaited<ReturnType<typeof temporaryDataDir>>;
  const running: MeshProcess[] = [];

  async function start(): Promise<MeshProcess> {
    const mesh = await MeshProcess.start(data.path);
    running.push(mesh);
    return mesh;
  }

  beforeEach(async () => {
    data = await temporaryDataDir();
  });

  afterEach(async () => {
    for (const mesh of running.splice(0)) await mesh.stop();
    await data.remove();
  }, 300_000);

  it('finishes a job that was running when the process was killed, with no segment twice or missing', async () => {
    const first = await start();
    const whole = await accepted(first.http, sample('long-read.opus'));
    await watchToEnd(first.http, whole.job_id);
    const expected = await result(first.http, whole.job_id);

    const cut = await accepted(first.http, sample('long-read.opus'));
    for await (const { type } of watch(first.http, cut.job_id)) if (type === 'delta') break;
    await first.kill();

    const second = await start();
    const messages = await watchToEnd(second.http, cut.job_id);
    const resumed = await result(second.http, cut.job_id);
    expect(resumed.segments).toEqual(expected.segments);
    expect([...textsFromDeltas(messages).values()].toSorted()).toEqual(
      expected.segments.map((segment) => segment.text).toSorted(),
    );
    expect(messages.filter(({ type }) => type === 'completed')).toHaveLength(1);
    // What was done before the restart is still there.
    expect((await result(second.http, whole.job_id)).text).toBe(expected.text);
  }, 300_000);

  it('refuses a second start on the same folder with one clear line and leaves the first unharmed', async () => {
    const first = await start();
    const refusal = await MeshProcess.start(data.path).then(
      () => 'it started',
      (error: unknown) => (error as Error).message,
    );
    expect(refusal.split('\n')).toHaveLength(1);
    expect(refusal).toMatch(/in use/);
    expect((await fetch(`${first.http}/health/ready`)).status).toBe(200);
    expect(await first.stop()).toBe(0);
  }, 300_000);
});
