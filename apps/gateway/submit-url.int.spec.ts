import { createGrpcChannel, createGrpcClient } from '#grpc';
import { jobV1 } from '#protos';
import { eventually } from '#testing';
import { instanceOf } from '../../libs/routing/testing.js';
import { forgedUrls } from '../../libs/outbound-http/testing.js';
import { acceptedSchema, problemSchema } from './openapi/response-schemas.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';
import { silentWav } from './testing/sounds.js';

const route = '/api/transcribe/jobs/transcribe';
const url = 'https://media.example.com/talks/one%20%C3%A4.mp3?signature=secret';

describe('submitting a recording by its URL', () => {
  let server: GatewayUnderTest;

  beforeAll(async () => {
    server = await startGatewayUnderTest([instanceOf('local')], { URL_ALLOWED_HOSTS: 'store:9000' });
  });
  afterAll(() => server.stop());

  function post(body: string | FormData | URLSearchParams, type?: string, path = route): Promise<Response> {
    return fetch(server.url + path, { method: 'POST', body, ...(type ? { headers: { 'content-type': type } } : {}) });
  }

  async function refusal(response: Response) {
    const problem = problemSchema.parse(await response.json());
    expect(problem.status).toBe(response.status);
    return { status: problem.status, code: problem.code, pointers: problem.errors?.map(({ pointer }) => pointer) };
  }

  it.each([
    ['JSON', () => post(JSON.stringify({ url, language: 'en', tags: ['a'] }), 'application/json')],
    ['a form', () => post(new URLSearchParams({ url, language: 'en', tags: 'a' }))],
    ['a multipart form', () => post(formOf({ url, language: 'en', tags: 'a' }))],
  ])('is accepted as %s', async (_title, act) => {
    const response = await act();
    expect(response.status).toBe(202);
    const { job_id: jobId } = acceptedSchema.parse(await response.json());
    const job = await server.jobs.find(jobId);
    expect(job).toMatchObject({ status: 'queued', filename: 'one ä.mp3', sourceUrl: url });
    expect(job?.options).toMatchObject({ language: 'en', tags: ['a'] });
    expect(job?.media).toBeUndefined();
    await eventually('its ticket', async () => server.queue.has(jobId));
    const status = await fetch(`${server.url}/api/transcribe/jobs/status/${jobId}`);
    expect(await status.text()).not.toContain('secret');
    const cancelled = await fetch(`${server.url}/api/transcribe/jobs/${jobId}`, { method: 'DELETE' });
    expect(cancelled.status).toBe(200);
    const retried = await fetch(`${server.url}/api/transcribe/jobs/${jobId}/retry`, { method: 'POST' });
    expect(retried.status).toBe(202);
    expect(server.logLines.join('')).not.toContain('secret');
  });

  it('is accepted over gRPC', async () => {
    const channel = createGrpcChannel(server.grpcAddress);
    const client = createGrpcClient(jobV1.JobServiceDefinition, channel, { unaryDeadlineMs: 10_000 });
    try {
      const options = { payload: { $case: 'options' as const, value: { url, language: 'en' } } };
      const content = { payload: { $case: 'content' as const, value: silentWav(1) } };
      const { job } = await client.submit(messages([options]));
      expect(await server.jobs.find(job?.jobId ?? '')).toMatchObject({ sourceUrl: url });
      await expect(client.submit(messages([options, content]))).rejects.toThrow('nothing may follow the options');
      const inner = { payload: { $case: 'options' as const, value: { url: 'http://127.0.0.1/' } } };
      await expect(client.submit(messages([inner]))).rejects.toThrow('may not be called');
    } finally {
      channel.close();
    }
  });

  it('is accepted from a host that the operator allows', async () => {
    expect((await post(JSON.stringify({ url: 'http://store:9000/a.wav' }), 'application/json')).status).toBe(202);
  });

  it('is refused at once where the URL itself says that it leads inside', async () => {
    const before = await server.countRows();
    for (const forged of forgedUrls.filter(({ resolvesTo, url: text }) => !resolvesTo && text !== '')) {
      const response = await post(JSON.stringify({ url: forged.url.replace('PORT', '8000') }), 'application/json');
      const { status, code, pointers } = await refusal(response);
      expect([forged.url, status, code, pointers]).toEqual([forged.url, 422, 'url_not_allowed', ['/url']]);
    }
    expect(await server.countRows()).toBe(before);
  });

  it.each([
    ['a URL that is no text', JSON.stringify({ url: 7 }), '/url'],
    ['no recording', JSON.stringify({ language: 'en' }), '/file'],
    ['a file as text', JSON.stringify({ file: 'UklGRg==' }), '/file'],
    ['a list', '[]', '/file'],
    ['an unknown field', JSON.stringify({ url, speed: 2 }), '/speed'],
  ])('is refused with %s', async (_title, body, pointer) => {
    expect(await refusal(await post(body, 'application/json'))).toEqual({
      status: 400,
      code: 'invalid_request',
      pointers: [pointer],
    });
  });

  it.each([true, false])('is refused beside a file, whichever comes first', async (urlFirst) => {
    const form = new FormData();
    if (urlFirst) form.append('url', url);
    form.append('file', new Blob([new Uint8Array(silentWav(1))]), 'a.wav');
    if (!urlFirst) form.append('url', url);
    expect(await refusal(await post(form))).toMatchObject({ status: 400, pointers: ['/url'] });
    expect(await server.storedFiles()).toEqual([]);
  });

  it('keeps where the client wants to hear of the end, and refuses inner addresses there too', async () => {
    const callback = { callback_url: 'https://client.example.com/hook', callback_payload: 'full' };
    const response = await post(JSON.stringify({ url, ...callback }), 'application/json');
    const { job_id: jobId } = acceptedSchema.parse(await response.json());
    expect((await server.jobs.find(jobId))?.options.callback).toEqual({
      url: callback.callback_url,
      payload: 'full',
      onError: true,
    });
    const inner = JSON.stringify({ url, callback_url: 'http://169.254.169.254/' });
    expect(await refusal(await post(inner, 'application/json'))).toEqual({
      status: 422,
      code: 'url_not_allowed',
      pointers: ['/callback_url'],
    });
    const idle = JSON.stringify({ url, callback_payload: 'full' });
    expect(await refusal(await post(idle, 'application/json'))).toMatchObject({ pointers: ['/callback_payload'] });
  });

  it('is refused as broken JSON, and as what is neither JSON nor a form', async () => {
    expect(await refusal(await post('{"url":', 'application/json'))).toMatchObject({ status: 400 });
    expect(await refusal(await post('url', 'application/xml'))).toMatchObject({ status: 415 });
  });
});

function formOf(fields: Readonly<Record<string, string>>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  return form;
}

async function* messages<T>(list: readonly T[]): AsyncGenerator<T> {
  for (const message of list) yield await Promise.resolve(message);
}
