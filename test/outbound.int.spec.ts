import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { ScriptedEngine, scriptedSpeech, scriptedWords, wavFile } from '#engine-testkit';
import { eventually } from '#testing';
import { TestMesh } from './support/mesh.js';

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const said = [scriptedWords.slice(0, 3), scriptedWords.slice(3, 6)];
const recording = wavFile(scriptedSpeech(said));

describe('calls to the outside in a mesh', () => {
  let mesh: TestMesh;
  let server: Server;
  let base: string;
  let fetches = 0;
  let messages: { headers: Record<string, string>; body: string }[] = [];
  let onFetch: (response: ServerResponse) => void;

  beforeEach(async () => {
    fetches = 0;
    messages = [];
    onFetch = (response) => response.end(recording);
    server = http.createServer((request, response) => void answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const host = `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
    base = `http://${host}`;
    mesh = await TestMesh.start(undefined, { URL_ALLOWED_HOSTS: host, WEBHOOK_SECRET: secret });
  });
  afterEach(async () => {
    await mesh.stop();
    server.closeAllConnections();
    server.close();
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'GET') {
      fetches += 1;
      onFetch(response);
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    messages.push({ headers: request.headers as Record<string, string>, body: Buffer.concat(chunks).toString() });
    response.writeHead(204).end();
  }

  async function submit(): Promise<string> {
    const response = await fetch(`${await mesh.serve()}/api/transcribe/jobs/transcribe`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        url: `${base}/talk.wav`,
        language: 'en',
        callback_url: `${base}/done`,
        callback_payload: 'full',
        db_id: '42',
      }),
    });
    expect(response.status).toBe(202);
    return ((await response.json()) as { job_id: string }).job_id;
  }

  async function told(): Promise<unknown> {
    const { headers, body } = await eventually('the callback', () => messages[0], 60_000);
    return new Webhook(secret).verify(body, headers);
  }

  const completed = { status: 'completed', db_id: '42', output: said.map((words) => words.join(' ')).join(' ') };

  it('fetch a recording and tell of its transcript', async () => {
    await mesh.host(new ScriptedEngine());
    await mesh.work();
    const jobId = await submit();
    expect(await told()).toMatchObject({ ...completed, type: 'job.completed', job_id: jobId });
    await eventually('the metrics', async () => {
      const metrics = await mesh.metrics.render();
      const delivered = 'polyscribe_webhook_tries_total{event="job.completed",outcome="delivered"} 1';
      return metrics.includes(delivered) && metrics.includes('polyscribe_media_fetches_total{outcome="done"} 1');
    });
  });

  it('go on where a worker was killed in the middle of fetching, and leave nothing of it behind', async () => {
    await mesh.host(new ScriptedEngine());
    onFetch = (response) =>
      void response.writeHead(200, { 'content-length': recording.length }).write(recording.subarray(0, 9_000));
    const first = mesh.spawnWorker();
    const jobId = await submit();
    await eventually('the first fetch', () => fetches === 1, 60_000);
    first.child.kill('SIGKILL');
    await first.exited;
    onFetch = (response) => response.end(recording);
    await mesh.work();
    expect(await told()).toMatchObject({ ...completed, job_id: jobId });
    expect(fetches).toBe(2);
    const keys: string[] = [];
    for await (const { key } of mesh.objects.list('media/')) keys.push(key);
    expect(keys).toEqual([(await mesh.jobs.find(jobId))?.media?.key]);
    await eventually('the delivery to be written down', async () => {
      const rows = await mesh.database.query(`SELECT FROM webhook_deliveries WHERE state = 'delivered'`);
      return rows.length === 1;
    });
    expect(messages).toHaveLength(1);
  }, 120_000);
});
