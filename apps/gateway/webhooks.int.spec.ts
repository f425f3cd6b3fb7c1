import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import { JobRepository } from '#persistence';
import { newJob } from '../../libs/persistence/testing.js';
import { instanceOf } from '../../libs/routing/testing.js';
import {
  newWebhookEndpointSchema,
  problemSchema,
  webhookDeliveryListSchema,
  webhookEndpointSchema,
  webhookSecretSchema,
} from './openapi/response-schemas.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';

const route = '/api/webhooks/endpoints';
const url = 'https://client.example.com/hook?token=a';

describe('endpoints of webhooks', () => {
  let server: GatewayUnderTest;

  beforeAll(async () => {
    server = await startGatewayUnderTest([instanceOf('local')]);
  });
  afterEach(() => server.database.query('DELETE FROM webhook_endpoints'));
  afterAll(() => server.stop());

  function send(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(server.url + path, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
  }

  async function create(body: object = { url }): Promise<z.output<typeof newWebhookEndpointSchema>> {
    const response = await send('POST', route, body);
    expect(response.status).toBe(201);
    const endpoint = newWebhookEndpointSchema.parse(await response.json());
    expect(response.headers.get('location')).toBe(`${route}/${endpoint.id}`);
    return endpoint;
  }

  async function refusal(response: Response): Promise<{ status: number; code: string; pointers: string[] }> {
    const { status, code, errors } = problemSchema.parse(await response.json());
    expect(response.status).toBe(status);
    return { status, code, pointers: (errors ?? []).map(({ pointer }) => pointer) };
  }

  async function endJob(): Promise<string> {
    const job = await new JobRepository(server.database).create(newJob());
    await server.jobs.requestCancel(job.id);
    return job.id;
  }

  async function deliveriesAt(path: string): Promise<z.output<typeof webhookDeliveryListSchema>> {
    const response = await send('GET', path);
    expect(response.status).toBe(200);
    return webhookDeliveryListSchema.parse(await response.json());
  }

  it('are made with a secret that is shown once, read, changed and removed', async () => {
    const { secret, ...shown } = await create({ url, event_types: ['job.failed'], description: 'Ärztin' });
    expect(Buffer.from(secret.replace('whsec_', ''), 'base64')).toHaveLength(32);
    expect(shown).toMatchObject({ url, event_types: ['job.failed'], payload: 'thin', enabled: true });
    const read = await send('GET', `${route}/${shown.id}`);
    expect(webhookEndpointSchema.parse(await read.json())).toEqual(shown);
    expect(await (await send('GET', route)).json()).toEqual({ endpoints: [shown] });

    const changed = await send('PATCH', `${route}/${shown.id}`, { payload: 'full', event_types: [], enabled: false });
    expect(webhookEndpointSchema.parse(await changed.json())).toMatchObject({
      url,
      payload: 'full',
      event_types: [],
      description: 'Ärztin',
      enabled: false,
      disabled_reason: 'Disabled by hand.',
    });
    const enabled = await send('PATCH', `${route}/${shown.id}`, { enabled: true });
    expect(webhookEndpointSchema.parse(await enabled.json())).toMatchObject({ enabled: true, disabled_reason: null });

    expect((await send('DELETE', `${route}/${shown.id}`)).status).toBe(204);
    expect(await refusal(await send('GET', `${route}/${shown.id}`))).toMatchObject({ status: 404, code: 'not_found' });
    expect(server.logLines.join('')).not.toContain(secret);
  });

  it('take each change by itself', async () => {
    const { id } = await create({ url, event_types: ['job.failed'], payload: 'full' });
    let expected: object = { id, url, event_types: ['job.failed'], payload: 'full', description: '', enabled: true };
    for (const change of [{ url: `${url}/b` }, { description: 'new' }, { payload: 'thin' }, { event_types: [] }]) {
      expected = { ...expected, ...change };
      const changed = await send('PATCH', `${route}/${id}`, change);
      expect(webhookEndpointSchema.parse(await changed.json())).toMatchObject(expected);
    }
  });

  it('get another secret when it is asked for', async () => {
    const { id, secret } = await create();
    const response = await send('POST', `${route}/${id}/rotate-secret`);
    expect(response.status).toBe(200);
    const rotated = webhookSecretSchema.parse(await response.json());
    expect(rotated.secret).toMatch(/^whsec_/);
    expect(rotated.secret).not.toBe(secret);
    expect(Date.parse(rotated.previous_valid_until)).toBeGreaterThan(Date.now());
  });

  it('show what is on its way to them, page by page, and let it be sent again', async () => {
    const { id } = await create();
    const jobIds = [await endJob(), await endJob()];
    const first = await deliveriesAt(`${route}/${id}/deliveries?limit=1`);
    expect(first.deliveries).toMatchObject([
      { endpoint_id: id, job_id: jobIds[1], event: 'job.cancelled', state: 'pending', tries: [] },
    ]);
    const rest = await deliveriesAt(`${route}/${id}/deliveries?cursor=${first.next_cursor ?? ''}`);
    expect(rest.deliveries.map(({ job_id: jobId }) => jobId)).toEqual([jobIds[0]]);
    expect(rest.next_cursor).toBeUndefined();
    const all = await deliveriesAt(`/api/webhooks/deliveries?job_id=${jobIds[0] ?? ''}&endpoint_id=${id}`);
    expect(all.deliveries).toEqual(rest.deliveries);

    const [delivery] = rest.deliveries;
    const path = `/api/webhooks/deliveries/${delivery?.id ?? ''}`;
    await server.database.query(`UPDATE webhook_deliveries SET state = 'failed', round_tries = 10 WHERE id = $1`, [
      delivery?.id,
    ]);
    expect((await send('POST', `${path}/redeliver`)).status).toBe(202);
    const again = await deliveriesAt(`/api/webhooks/deliveries?job_id=${jobIds[0] ?? ''}`);
    expect(again.deliveries).toMatchObject([{ id: delivery?.id, state: 'pending' }]);
  });

  it.each([
    ['an inner address', { url: 'http://10.0.0.1/' }, 422, ['/url']],
    ['no address', {}, 400, ['/url']],
    ['an event that there is not', { url, event_types: ['job.started'] }, 400, ['/event_types/0']],
    ['an unknown field', { url, secret: 'mine' }, 400, ['/secret']],
    ['no object', [url], 400, ['']],
  ])('are refused with %s', async (_title, body, status, pointers) => {
    expect(await refusal(await send('POST', route, body))).toMatchObject({ status, pointers });
  });

  it('are refused when a change leads inside', async () => {
    const { id } = await create();
    const inner = await send('PATCH', `${route}/${id}`, { url: 'http://localhost/' });
    expect(await refusal(inner)).toMatchObject({ status: 422, code: 'url_not_allowed', pointers: ['/url'] });
  });

  it('are at most a hundred', async () => {
    await server.database.query(
      `INSERT INTO webhook_endpoints (id, url, payload, secret)
       SELECT gen_random_uuid(), 'https://a.example/', 'thin', 'x' FROM generate_series(1, 100)`,
    );
    expect(await refusal(await send('POST', route, { url }))).toMatchObject({ status: 400, code: 'invalid_request' });
  });

  it.each([
    ['GET', `${route}/${randomUUID()}`],
    ['PATCH', `${route}/${randomUUID()}`],
    ['DELETE', `${route}/no-uuid`],
    ['POST', `${route}/${randomUUID()}/rotate-secret`],
    ['GET', `${route}/${randomUUID()}/deliveries`],
    ['POST', `/api/webhooks/deliveries/${randomUUID()}/redeliver`],
    ['POST', `/api/webhooks/deliveries/no-uuid/redeliver`],
  ])('are not found where there is none: %s %s', async (method, path) => {
    expect(await refusal(await send(method, path, method === 'PATCH' ? {} : undefined))).toMatchObject({ status: 404 });
  });
});
