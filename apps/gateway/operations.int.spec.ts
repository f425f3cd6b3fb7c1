import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { eventually } from '#testing';
import { instanceOf } from '../../libs/routing/testing.js';
import { enginesSchema, healthSchema, problemSchema } from './openapi/response-schemas.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';
import { RestClient } from './testing/rest-client.js';
import { silentWav } from './testing/sounds.js';

const base = '/api/transcribe/jobs';

describe('the gateway in operation', () => {
  let server: GatewayUnderTest;
  let client: RestClient;

  beforeAll(async () => {
    server = await startGatewayUnderTest([instanceOf('local')]);
    client = new RestClient(server.url);
  });
  afterAll(async () => {
    await server.stop();
  });

  async function health(): Promise<{ code: number; status: string; database: string }> {
    const { status: code, body } = await client.json('/health/ready');
    const { status, components } = healthSchema.parse(body);
    return { code, status, database: components.database.status };
  }

  it('is ready when its parts are', async () => {
    expect(await health()).toEqual({ code: 200, status: 'up', database: 'up' });
    expect((await client.json('/health/live')).body).toEqual({ status: 'up', service: 'polyscribe' });
    expect((await client.get('/health')).status).toBe(200);
  });

  it.each([
    ['breaks', () => server.databaseLink.cut()],
    ['hangs', () => server.databaseLink.freeze()],
  ])('answers 503 soon, and lives, while the connection to the database %s', async (_, disturb) => {
    const { jobId } = await client.submit();
    disturb();
    try {
      expect(await health()).toEqual({ code: 503, status: 'down', database: 'down' });
      expect((await client.get('/health/live')).status).toBe(200);
      const startedAt = performance.now();
      const response = await client.get(`${base}/status/${jobId}`);
      expect(performance.now() - startedAt).toBeLessThan(4_000);
      expect(problemSchema.parse(await response.json())).toMatchObject({
        code: 'dependency_unavailable',
        retryable: true,
      });
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await client.problem(`${base}/stream/${jobId}`)).toMatchObject({ status: 503 });
    } finally {
      server.databaseLink.restore();
    }
    await eventually('the gateway to be ready again', async () => (await health()).code === 200, 20_000);
    expect((await client.get(`${base}/status/${jobId}`)).status).toBe(200);
  });

  it('takes nothing while the database is away, and leaves nothing of what was sent', async () => {
    const before = (await server.storedFiles()).length;
    server.databaseLink.cut();
    const form = new FormData();
    form.append('file', new Blob([new Uint8Array(silentWav(1))]), 'a.wav');
    const response = await fetch(`${server.url}${base}/transcribe`, { method: 'POST', body: form });
    server.databaseLink.restore();
    expect(problemSchema.parse(await response.json())).toMatchObject({ status: 503, code: 'dependency_unavailable' });
    expect((await server.storedFiles()).length).toBe(before);
  });

  it.each([
    ['an unknown route', '/nothing', {}, 404, 'not_found'],
    ['a method that a route does not have', '/engines', { method: 'PUT' }, 404, 'not_found'],
    ['a malformed path', '/%zz', {}, 400, 'invalid_request'],
    [
      'malformed JSON',
      `${base}/x/retry`,
      { method: 'POST', body: '{"a":', headers: { 'content-type': 'application/json' } },
      400,
      'invalid_request',
    ],
    [
      'a large body where none is wanted',
      `${base}/x/retry`,
      { method: 'POST', body: JSON.stringify('x'.repeat(400_000)), headers: { 'content-type': 'application/json' } },
      413,
      'payload_too_large',
    ],
  ])('answers %s with a problem document', async (_, path, init, status, code) => {
    const response = await fetch(server.url + path, init);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(response.headers.get('x-request-id')).toMatch(/.+/);
    expect(problemSchema.parse(await response.json())).toMatchObject({ status, code });
  });

  it('answers bytes that are no HTTP', async () => {
    const { hostname, port } = new URL(server.url);
    const socket: Socket = connect(Number(port), hostname);
    socket.write('HELO mail.example\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 400 [\s\S]*"code":"invalid_request"/);
    socket.destroy();
  });

  it.each([
    ['a head that is too large', `HEAD /${'x'.repeat(20_000)} HTTP/1.1\r\n`, 431],
    ['an expectation that nobody knows', 'HEAD /health/live HTTP/1.1\r\nExpect: miracles\r\n', 200],
  ])('answers %s with a head alone where that was asked for', async (_, head, status) => {
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    socket.end(`${head}Host: ${hostname}:${port}\r\nConnection: close\r\n\r\n`);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toMatch(
      new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*x-request-id: [\\s\\S]*\\r\\n\\r\\n$`, 'i'),
    );
  });

  it('keeps a sane request id and replaces any other', async () => {
    const kept = await client.get('/health/live', { 'x-request-id': 'trace-1.a:b_c' });
    expect(kept.headers.get('x-request-id')).toBe('trace-1.a:b_c');
    const replaced = await client.get('/health/live', { 'x-request-id': 'forged line' });
    expect(replaced.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('tells browsers to run, frame and keep nothing', async () => {
    expect(Object.fromEntries((await client.get('/engines')).headers)).toMatchObject({
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
    expect(
      (await client.get('/engines', { origin: 'http://x' })).headers.get('access-control-allow-origin'),
    ).toBeNull();
  });

  it('shows engines as a table to terminals, as a page to browsers and as JSON to programs', async () => {
    const [table, page, json] = await Promise.all(
      ['*/*', 'text/html,*/*;q=0.8', 'application/json'].map((accept) => client.get('/engines', { accept })),
    );
    expect(table?.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await table?.text()).toMatch(/^ENGINE +INSTANCE[^]*\nlocal +local +local:1 +serving +closed /);
    expect(page?.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page?.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; /);
    expect(await page?.text()).toContain('<th scope="row" data-name="engine">local</th>');
    expect(enginesSchema.parse(await json?.json()).engines.local.instances).toHaveLength(1);
    expect(json?.headers.get('vary')).toBe('accept');
    const chosen = await client.get('/engines?format=html', { accept: 'application/json' });
    expect(chosen.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await client.problem('/engines?format=xml')).toMatchObject({
      status: 400,
      code: 'invalid_request',
      detail: 'format must be one of text, json, html.',
    });
  });

  it('describes every route that it has, and reads the description without another host', async () => {
    const document = (await client.json('/openapi.json')).body as {
      openapi: string;
      paths: Record<string, Record<string, { responses: object; operationId: string }>>;
      components: Record<string, Record<string, object>>;
    };
    expect(document.openapi).toBe('3.1.0');
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/(\w+)\/(\w+)"/g)];
    expect(references.filter(([, kind = '', name = '']) => document.components[kind]?.[name] === undefined)).toEqual(
      [],
    );
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    const page = await (await client.get('/docs')).text();
    const assets = [...page.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, path = '']) => path);
    const statuses = await Promise.all(assets.map(async (path) => (await client.get(`/${path}`)).status));
    expect(statuses).toEqual([200, 200, 200, 200]);
    expect(page).not.toMatch(/https?:\/\//);
    expect((await client.get('/docs/package.json')).status).toBe(404);
    expect((await client.get('/docs/')).url).toBe(`${server.url}/docs`);
  });

  it('counts requests by route, jobs by status and engines', async () => {
    const { jobId } = await client.submit();
    await eventually('its ticket', async () => server.queue.has(jobId));
    const metrics = await (await client.get('/metrics')).text();
    expect(metrics).toMatch(
      /polyscribe_http_request_duration_seconds_count\{method="GET",route="\/engines",status="200"\} \d/,
    );
    expect(metrics).toMatch(/polyscribe_jobs\{status="queued"\} [1-9]/);
    expect(metrics).toMatch(/polyscribe_queue_depth [1-9]/);
    expect(metrics).toMatch(/polyscribe_engines_serving\{engine="local"\} 1/);
    expect(metrics).toMatch(/process_cpu_seconds_total/);
  });

  it('logs route, status and request id, and neither paths nor queries', async () => {
    await client.get('/api/media/media/x/source.wav?signature=topsecret', { 'x-request-id': 'find-me' });
    const line = await eventually('the line', () => server.logLines.find((entry) => entry.includes('find-me')));
    expect(JSON.parse(line)).toMatchObject({ method: 'GET', route: '/api/media/*', status: 403, requestId: 'find-me' });
    expect(line).not.toContain('topsecret');
  });

  it('logs a refused upload with its status although the client stops sending', async () => {
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST ${base}/transcribe HTTP/1.1\r\nHost: ${hostname}:${port}\r\nX-Request-Id: refused-1\r\n` +
        'Content-Type: text/plain\r\nContent-Length: 1000000\r\n\r\nbeginning',
    );
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(answer.toString())?.[1]);
    expect(status).toBeGreaterThanOrEqual(400);
    const line = await eventually('the line', () => server.logLines.find((entry) => entry.includes('refused-1')));
    expect(JSON.parse(line)).toMatchObject({ status });
    expect(status).not.toBe(499);
  });
});

describe('a gateway that stops', () => {
  it('ends event streams and does not wait for silent connections', async () => {
    const server = await startGatewayUnderTest([instanceOf('local')]);
    const client = new RestClient(server.url);
    const { jobId } = await client.submit();
    const events = client.events(jobId);
    await events.next();
    const { hostname, port } = new URL(server.url);
    const silent = connect(Number(port), hostname);
    await once(silent, 'connect');
    const startedAt = performance.now();
    await server.stop();
    expect(performance.now() - startedAt).toBeLessThan(8_000);
    expect((await events.next()).done).toBe(true);
    silent.destroy();
  });
});
