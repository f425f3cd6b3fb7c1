import { eventually } from '#testing';
import { withClient } from '../../libs/embedded-postgres/testing.js';
import { result } from '../support/api.js';
import { Cluster } from './cluster.js';
import { EventReader } from './event-reader.js';
import { Random } from './random.js';
import { spokenItem } from './spoken-item.js';
import { submitItem } from './submit-item.js';

const MINUTES_MS = 60_000;
/** Speech of a little over ten minutes. */
const SENTENCES = 330;

interface SpanRow {
  readonly span_index: number;
  readonly state: string;
  readonly tries: number;
}

describe('a worker that is killed at 70 % of ten minutes', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    const size = { registries: 1, engines: 1, workers: 2, gateways: 1, workMsPerSecond: 20, callsAtOnce: 2 };
    cluster = await Cluster.start(size);
  }, 240_000);

  afterAll(async () => {
    await cluster.close();
  }, 60_000);

  async function spans(): Promise<SpanRow[]> {
    const { rows } = await withClient(cluster.backing.postgres.url, (client) =>
      client.query<SpanRow>('SELECT span_index, state, tries FROM transcript_spans ORDER BY span_index'),
    );
    return rows;
  }

  async function view(jobId: string): Promise<{ progress: number; worker_id: string | null }> {
    const response = await fetch(`${cluster.gateways[0]?.http ?? ''}/api/transcribe/jobs/status/${jobId}`);
    return (await response.json()) as { progress: number; worker_id: string | null };
  }

  it('leaves only the spans that were open to the next worker', async () => {
    const random = new Random(1);
    const item = spokenItem(1, SENTENCES, random);
    const { job_id: jobId } = await submitItem(cluster, item, 0);
    const reader = new EventReader(cluster, jobId, 0, random);
    const reading = reader.readToEnd(AbortSignal.timeout(2 * MINUTES_MS));

    const isFarEnough = async () => (await view(jobId)).progress >= 70;
    await eventually('the job to be at 70 %', isFarEnough, MINUTES_MS);
    const { worker_id: workerId } = await view(jobId);
    const worker = cluster.of('worker').find(({ pid }) => workerId?.includes(`-${pid ?? ''}-`));
    expect(worker).toBeDefined();
    await worker?.kill();
    const atKill = await spans();
    await reading;

    const done = atKill.filter(({ state }) => state === 'done').map((span) => span.span_index);
    const open = atKill.filter(({ state }) => state === 'running').map((span) => span.span_index);
    const voided = reader.messages.filter(({ type }) => type === 'void').map(({ data }) => Number(data['span']));
    expect(done.length).toBeGreaterThan(0);
    expect(open.length).toBeGreaterThan(0);
    // Without any, nobody was killed at work.
    expect(voided.length).toBeGreaterThan(0);
    expect(open).toEqual(expect.arrayContaining(voided));
    const after = await spans();
    expect(after.filter(({ span_index: index }) => done.includes(index)).map(({ tries }) => tries)).toEqual(
      done.map(() => 1),
    );
    expect(after.every(({ tries }) => tries <= 2)).toBe(true);
    expect((await result(cluster.gateways[0]?.http ?? '', jobId)).text).toBe(item.text);
  }, 240_000);
});
