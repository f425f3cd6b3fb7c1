import { randomUUID } from 'node:crypto';
import { Agent, request as httpRequest } from 'node:http';
import { runInNewContext } from 'node:vm';
import { setFlagsFromString } from 'node:v8';
import * as fc from 'fast-check';
import { eventually } from '#testing';
import { type GatewayUnderTest, startGatewayUnderTest } from '../../apps/gateway/testing/gateway-under-test.js';
import { PlayedWorker } from '../../apps/gateway/testing/played-worker.js';
import { RestClient } from '../../apps/gateway/testing/rest-client.js';
import { TusClient } from '../../apps/gateway/testing/tus-client.js';
import { instanceOf } from '../../libs/routing/testing.js';
import { OfferedJob } from './offered-job.js';
import { openFiles } from './open-files.js';
import { type FuzzRequest, KNOWN_ID, requests } from './request-values.js';

/** `npm run fuzz` sends 20,000. */
const REQUESTS = Number(process.env['FUZZ_REQUESTS'] ?? 1_500);
const AT_ONCE = 10;
/** Generous: what is looked for is an answer that never comes. */
const ANSWER_WITHIN_MS = 30_000;
const MOST_HEAP_GROWTH = 96 * 1024 * 1024;
const MOST_FILES_GROWTH = 40;

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: string;
}

describe('requests made up from the API document', () => {
  let server: GatewayUnderTest;
  let worker: PlayedWorker;
  let offered: OfferedJob;
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const known = new Map<string, string[]>();
  const uploads: string[] = [];
  const counts = new Map<number, number>();

  beforeAll(async () => {
    const engines = (['local', 'asr', 'whisperx'] as const).map((kind) => instanceOf(kind));
    server = await startGatewayUnderTest(engines, { URL_ALLOWED_HOSTS: 'files.example' });
    worker = new PlayedWorker(server);
    offered = await OfferedJob.on(server);
  });
  afterAll(async () => {
    agent.destroy();
    await server.stop();
  });

  async function send(request: FuzzRequest): Promise<Answer> {
    const { method, path, headers, body, pick } = offered.meant(request);
    const ids = known.get(kindOf(path)) ?? [];
    const id = ids[pick % Math.max(ids.length, 1)] ?? randomUUID();
    const { hostname, port } = new URL(server.url);
    // Node tells the length of no body that a method is not thought to have.
    const length = body === undefined ? {} : { 'content-length': String(body.length) };
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest(
        { hostname, port, method, path: path.replace(KNOWN_ID, id), headers: { ...headers, ...length }, agent },
        (response) => {
          const { statusCode: status = 0, headers: got } = response;
          const streams = got['content-type']?.startsWith('text/event-stream') ?? false;
          const chunks: Buffer[] = [];
          const done = (): void => {
            clearTimeout(timer);
            const text = Buffer.concat(chunks).toString();
            resolve({ status, location: got.location, body: text });
          };
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.once('end', done).once('error', streams ? done : reject);
          // The stream of a job that nobody works on has no end.
          if (streams) response.destroy();
          if (streams) done();
        },
      );
      const timer = setTimeout(() => {
        reject(new Error(`no answer to ${method} ${path}`));
        outgoing.destroy();
      }, ANSWER_WITHIN_MS);
      outgoing.once('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        // The server closed a connection that was kept, or on which it had answered early.
        if (error.code === 'ECONNRESET' || error.code === 'EPIPE') resolve(nothing);
        else reject(error);
      });
      outgoing.end(body);
    });
  }

  function remember({ status, location, body }: Answer): void {
    counts.set(status, (counts.get(status) ?? 0) + 1);
    if (status < 200 || status >= 300) return;
    if (location?.startsWith('/api/uploads/') ?? false) uploads.push(location ?? '');
    for (const [, name = '', id = ''] of body.matchAll(/"(job_id|transcript_id|id)":"([0-9a-f-]{36})"/g)) {
      if (name !== 'id') keep(name, id);
    }
    if (location !== undefined) keep(kindOf(location), location.split('/').at(-1) ?? '');
  }

  /** There is always something to be read and reported: made-up requests seldom make a job that stays. */
  async function restock(): Promise<void> {
    const { jobId, transcriptId } = await new RestClient(server.url).submit();
    await worker.complete(jobId);
    keep('job_id', jobId);
    keep('transcript_id', transcriptId);
    await offered.renew();
  }

  async function isReady(): Promise<boolean> {
    return (await fetch(`${server.url}/health/ready`)).status === 200;
  }

  function statusesOf(operation: string): number[] {
    return [...(server.answers.seen.get(operation) ?? [])];
  }

  /** The newest: others are erased by now. */
  function keep(kind: string, id: string): void {
    known.set(kind, [...(known.get(kind) ?? []), id].slice(-20));
  }

  it(
    `get no 5xx and are not kept waiting, ${REQUESTS} of them, and leave nothing behind`,
    async () => {
      const before = { heap: heapUsed(), files: await openFiles() };
      await fc.assert(
        fc.asyncProperty(fc.array(requests, { minLength: AT_ONCE, maxLength: AT_ONCE }), async (batch) => {
          const answers = await Promise.all(batch.map(send));
          answers.forEach(remember);
          await restock();
          const broken = answers.flatMap(({ status, body }, index) =>
            status >= 500 && !(status === 503 && isHealth(batch[index]))
              ? [{ status, answer: body.slice(0, 300), ...shown(batch[index]) }]
              : [],
          );
          expect(broken).toEqual([]);
          if (answers.some(({ status }) => status === 503))
            await eventually('the gateway to be ready again', isReady, 30_000);
          expect(server.answers.faults).toEqual([]);
        }),
        {
          numRuns: Math.ceil(REQUESTS / AT_ONCE),
          seed: Number(process.env['FUZZ_SEED'] ?? Date.now() % 1e9),
          // The server remembers what was sent before: a smaller batch would be another trial, and minutes of them
          // would end as a time limit that hides what was found.
          endOnFailure: true,
        },
      );
      expect(Math.min(counts.get(202) ?? 0, counts.get(201) ?? 0, counts.get(200) ?? 0)).toBeGreaterThan(0);
      // What lies behind the first checks was reached: there were transcripts to be read, and reports were believed.
      expect([...statusesOf('jobResult'), ...statusesOf('downloadTranscript')]).toContain(200);
      expect(statusesOf('reportTranscription').filter((status) => status !== 401 && status !== 415)).not.toEqual([]);
      // A connection that is cut is no answer, and no way to pass.
      expect(counts.get(0) ?? 0).toBeLessThan(REQUESTS / 50);
      await eraseEverything();
      expect(await server.storedFiles()).toEqual([]);
      expect(await server.countRows()).toBe(0);
      agent.destroy();
      await eventually(
        'the files to be closed',
        async () => (await openFiles()) - before.files < MOST_FILES_GROWTH,
        30_000,
      );
      expect(heapUsed() - before.heap).toBeLessThan(MOST_HEAP_GROWTH);
    },
    Math.max(300_000, REQUESTS * 120),
  );

  /** By the API, as a client would: what it cannot reach afterwards was lost. */
  async function eraseEverything(): Promise<void> {
    const tus = new TusClient(server.url);
    for (const path of uploads) await tus.request('DELETE', path);
    for (;;) {
      const page = (await (await fetch(`${server.url}/api/transcribe/jobs?limit=100`)).json()) as {
        jobs: { transcript_id: string }[];
      };
      if (page.jobs.length === 0) return;
      for (const { transcript_id: id } of page.jobs) {
        const response = await fetch(`${server.url}/api/transcripts/${id}`, { method: 'DELETE' });
        expect([204, 404]).toContain(response.status);
      }
    }
  }
});

/** Of what the ids in a path are. */
function kindOf(path: string): string {
  const kinds = {
    uploads: '/api/uploads',
    contexts: '/api/contexts',
    webhooks: '/api/webhooks',
    transcript_id: '/transcripts/',
  };
  return Object.entries(kinds).find(([, part]) => path.includes(part))?.[0] ?? 'job_id';
}

const nothing: Answer = { status: 0, location: undefined, body: '' };

/** Its 503 is about what the gateway stands on, which a busy machine makes late. That it passes is seen to. */
function isHealth(request: FuzzRequest | undefined): boolean {
  return request !== undefined && /^\/health(\/ready)?(\?|$)/.test(request.path);
}

function shown(request: FuzzRequest | undefined) {
  return request && { ...request, body: request.body?.toString('latin1').slice(0, 2_000) };
}

function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
