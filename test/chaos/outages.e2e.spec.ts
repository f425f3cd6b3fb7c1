import { Client } from 'minio';
import { eventually } from '#testing';
import { TEST_KEYS } from '../../libs/objects/testing/s3-server.js';
import { withClient } from '../../libs/embedded-postgres/testing.js';
import { type Accepted, result } from '../support/api.js';
import { Cluster } from './cluster.js';
import { Random } from './random.js';
import { send, submitItem } from './submit-item.js';
import { type SpokenItem, spokenItem } from './spoken-item.js';

const BUCKET = 'transcriptions';
const RECOVERY_MS = 60_000;
/** What a client is promised while Redis is away. */
const SUBMIT_DEADLINE_MS = 2_000;

const random = new Random(1);
let items = 0;
const nextItem = (sentences = 5) => spokenItem((items += 1), sentences, random);

describe('a mesh of processes whose servers are away', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.start({ registries: 1, engines: 1, workers: 1, gateways: 1, workMsPerSecond: 20 });
  }, 240_000);

  afterEach(() => {
    expect(cluster.crashes).toEqual([]);
  });

  afterAll(async () => {
    await cluster.close();
  }, 60_000);

  const http = () => cluster.gateways[0]?.http ?? '';
  const status = (jobId: string) => fetch(`${http()}/api/transcribe/jobs/status/${jobId}`);

  async function untilCompleted(jobId: string, text: string): Promise<void> {
    const isCompleted = async () => {
      const response = await status(jobId);
      return response.ok && ((await response.json()) as Accepted).status === 'completed';
    };
    await eventually(`job ${jobId} to be completed`, isCompleted, RECOVERY_MS);
    expect((await result(http(), jobId)).text).toBe(text);
  }

  interface Sent {
    readonly item: SpokenItem;
    /** undefined where the gateway asked to come back later. */
    readonly accepted: Accepted | undefined;
  }

  async function sendSome(): Promise<Sent[]> {
    const sent: Sent[] = [];
    const tookMs: number[] = [];
    for (const item of [nextItem(), nextItem(), nextItem()]) {
      const began = performance.now();
      const answer = await send(http(), item);
      tookMs.push(performance.now() - began);
      expect([202, 503]).toContain(answer.status);
      sent.push({ item, accepted: answer.ok ? ((await answer.json()) as Accepted) : undefined });
    }
    // A busy machine may slow single answers; waiting for Redis would slow them all.
    expect(Math.min(...tookMs)).toBeLessThan(SUBMIT_DEADLINE_MS);
    return sent;
  }

  async function objectKeys(): Promise<string[]> {
    const { hostname, port } = new URL(`http://${cluster.backing.objectServer.endpoint}`);
    const client = new Client({ ...TEST_KEYS, endPoint: hostname, port: Number(port), useSSL: false });
    const keys: string[] = [];
    for await (const { name } of client.listObjectsV2(BUCKET, '', true)) keys.push(String(name));
    return keys;
  }

  async function mediaKeys(): Promise<string[]> {
    const { rows } = await withClient(cluster.backing.postgres.url, (client) =>
      client.query<{ media_key: string }>('SELECT media_key FROM transcript_jobs'),
    );
    return rows.map((row) => row.media_key);
  }

  it('take jobs and tell of them while Redis is down, and go on by themselves', async () => {
    const before = nextItem();
    const done = await submitItem(cluster, before, 0);
    await untilCompleted(done.job_id, before.text);

    // One that is silent costs whoever waits for it more than one that refuses.
    cluster.backing.redis.pause();
    const sent = await sendSome();
    await cluster.backing.redis.kill();
    sent.push(...(await sendSome()));
    const told = await status(done.job_id);
    expect(told.status).toBe(200);
    expect(((await told.json()) as Accepted).status).toBe('completed');

    await cluster.backing.redis.startAgain();
    for (const { item, accepted } of sent) {
      const { job_id: jobId } = accepted ?? (await submitItem(cluster, item, 0));
      await untilCompleted(jobId, item.text);
    }
  }, 240_000);

  it('refuse with 503 while PostgreSQL is down, and leave no object without a job', async () => {
    // Long enough to be in work when the server goes away.
    const running = nextItem(100);
    const { job_id: runningId } = await submitItem(cluster, running, 0);
    await cluster.backing.postgres.kill();

    // Redis may still know the status of a job; the list stands in the database alone.
    const list = () => fetch(`${http()}/api/transcribe/jobs`);
    expect([200, 503]).toContain((await status(runningId)).status);
    for (const answer of [await send(http(), nextItem()), await list()]) {
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(await answer.json()).toMatchObject({ code: 'dependency_unavailable' });
    }

    await cluster.backing.postgres.startAgain();
    const item = nextItem();
    const { job_id: jobId } = await submitItem(cluster, item, 0);
    await untilCompleted(jobId, item.text);
    await untilCompleted(runningId, running.text);
    expect((await objectKeys()).toSorted()).toEqual((await mediaKeys()).toSorted());
    expect(await cluster.backing.objectServer.unfinishedUploads(BUCKET)).toBe(0);
  }, 180_000);

  it('refuse with 503 when PostgreSQL goes away during an upload, and leave no object without a job', async () => {
    const { requests } = cluster.backing.objectServer;
    const before = requests.length;
    const uploads = Promise.all(Array.from({ length: 4 }, () => send(http(), nextItem(300))));
    const isUploading = () => requests.slice(before).some((request) => request.includes('partNumber='));
    await eventually('an upload to be under way', isUploading, RECOVERY_MS);
    await cluster.backing.postgres.kill();
    const answers = await uploads;
    expect(answers.map((answer) => answer.status).filter((code) => code !== 202 && code !== 503)).toEqual([]);
    await cluster.backing.postgres.startAgain();
    const item = nextItem();
    await untilCompleted((await submitItem(cluster, item, 0)).job_id, item.text);
    expect((await objectKeys()).toSorted()).toEqual((await mediaKeys()).toSorted());
  }, 180_000);
});
