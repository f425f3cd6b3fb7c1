import { randomUUID } from 'node:crypto';
import { instanceOf } from '../../libs/routing/testing.js';
import { acceptedSchema } from './openapi/response-schemas.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';
import { RestClient } from './testing/rest-client.js';

const jobs = '/api/transcribe/jobs';

describe('a request that says what a route does not read', () => {
  let server: GatewayUnderTest;
  let client: RestClient;

  beforeAll(async () => {
    server = await startGatewayUnderTest([instanceOf('local')]);
    client = new RestClient(server.url);
  });
  afterAll(() => server.stop());

  function sent(body: string, type = 'application/json', method = 'POST'): RequestInit {
    return { method, body, headers: { 'content-type': type } };
  }

  it.each([
    ['the submission', `${jobs}/transcribe`],
    ['a context', '/api/contexts'],
    ['a webhook endpoint', '/api/webhooks/endpoints'],
    ['an evaluation', '/api/evaluate'],
    ['a predecessor’s submission', '/v1/transcribe'],
  ])('is told where the JSON of %s goes wrong, and nothing of it is repeated', async (_, path) => {
    const problem = await client.problem(path, sent('{\n  "name": "hush",\n}'));
    expect(problem).toMatchObject({ status: 400, code: 'invalid_request' });
    expect(problem.detail).toBe(
      'The body is not valid JSON: at line 3, column 1, where a field name in double quotes is expected.',
    );
  });

  it('is told that a field with the name of a prototype is not taken', async () => {
    const { code, detail } = await client.problem('/api/contexts', sent('{"__proto__": {"a": 1}}'));
    expect([code, detail]).toEqual(['invalid_request', expect.stringContaining('__proto__')]);
  });

  it('is told what to send where the body is empty', async () => {
    expect((await client.problem(`${jobs}/transcribe`, sent(''))).detail).toMatch(/^Send multipart\/form-data/);
    expect((await client.problem('/api/contexts', sent(''))).detail).toBe('The body must be a JSON object.');
  });

  it.each([
    ['GET', `${jobs}/stats?by=engine`, '/by'],
    ['GET', `${jobs}?state=queued`, '/state'],
    ['GET', `${jobs}/engines?up=true`, '/up'],
    ['GET', `${jobs}/status/${randomUUID()}?verbose=1`, '/verbose'],
    ['GET', `${jobs}/result/${randomUUID()}?format=srt`, '/format'],
    ['GET', `${jobs}/stream/${randomUUID()}?since=3`, '/since'],
    ['POST', `${jobs}/transcribe?language=en`, '/language'],
    ['DELETE', `${jobs}/${randomUUID()}?force=true`, '/force'],
    ['POST', `${jobs}/${randomUUID()}/retry?engine=asr`, '/engine'],
    ['GET', `/api/contexts/${randomUUID()}?terms=no`, '/terms'],
    ['DELETE', `/api/transcripts/${randomUUID()}?keep=media`, '/keep'],
    ['GET', '/api/webhooks/endpoints?enabled=true', '/enabled'],
  ])('has its unknown parameter refused by %s %s', async (method, path, pointer) => {
    const problem = await client.problem(path, { method });
    expect(problem).toMatchObject({ status: 400, code: 'invalid_request', errors: [{ pointer }] });
  });

  it.each([
    ['JSON', '{"engine":"asr"}', 'application/json'],
    ['a form', 'engine=asr', 'application/x-www-form-urlencoded'],
  ])('has its fields refused as %s where the route takes none', async (_, body, type) => {
    const { jobId } = await client.submit();
    const errors = [{ pointer: '/engine', detail: 'is not a field of this request, which takes none; leave it out' }];
    for (const [method, path] of [
      ['POST', `${jobs}/${jobId}/retry`],
      ['DELETE', `${jobs}/${jobId}`],
    ] as const) {
      expect(await client.problem(path, sent(body, type, method))).toMatchObject({ code: 'invalid_request', errors });
    }
    expect(await server.jobs.find(jobId)).toMatchObject({ status: 'queued' });
  });

  it('goes through with a body that says nothing, and where operators and predecessors ask', async () => {
    const { jobId } = await client.submit();
    expect((await fetch(`${server.url}${jobs}/${jobId}`, sent('{}', 'application/json', 'DELETE'))).status).toBe(200);
    const again = await fetch(`${server.url}${jobs}/${jobId}/retry`, sent(''));
    expect(acceptedSchema.parse(await again.json())).toMatchObject({ job_id: jobId, status: 'queued' });
    for (const path of ['/health/live?probe=1', '/metrics?name=x', '/docs?lang=en', `/v1/jobs/${jobId}?t=1`]) {
      expect([path, (await client.get(path)).status]).toEqual([path, 200]);
    }
  });
});
