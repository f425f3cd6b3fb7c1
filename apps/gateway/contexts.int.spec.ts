import { randomUUID } from 'node:crypto';
import { createGrpcChannel, createGrpcClient, fromGrpcError } from '#grpc';
import { jobV1 } from '#protos';
import { instanceOf } from '../../libs/routing/testing.js';
import { contextBodySchema, contextListSchema, problemSchema } from './openapi/response-schemas.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';
import { RestClient } from './testing/rest-client.js';

const route = '/api/contexts';

describe('contexts', () => {
  let server: GatewayUnderTest;
  let client: RestClient;

  beforeAll(async () => {
    server = await startGatewayUnderTest([instanceOf('local', { capabilities: { phraseBoosting: true } })]);
    client = new RestClient(server.url);
  });
  afterAll(() => server.stop());

  function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(server.url + path, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async function created(content: object): Promise<{ id: string; etag: string }> {
    const response = await send('POST', route, content);
    expect(response.status).toBe(201);
    const { id } = contextBodySchema.parse(await response.json());
    expect(response.headers.get('location')).toBe(`${route}/${id}`);
    return { id, etag: response.headers.get('etag') ?? '' };
  }

  async function problemOf(response: Response): Promise<{ status: number; code: string; pointers: string[] }> {
    const { status, code, errors } = problemSchema.parse(await response.json());
    expect(response.status).toBe(status);
    return { status, code, pointers: (errors ?? []).map(({ pointer }) => pointer) };
  }

  const drugs = { name: 'Drugs', language: 'en-us', terms: [{ phrase: 'amoxicillin', boost: 20 }, { phrase: 'São' }] };

  it('keeps a context, gives it back, replaces and removes it', async () => {
    const { id, etag } = await created(drugs);
    const read = await send('GET', `${route}/${id}`);
    expect(read.headers.get('etag')).toBe(etag);
    expect(contextBodySchema.parse(await read.json())).toMatchObject({ ...drugs, language: 'en-US' });

    const put = await send('PUT', `${route}/${id}`, { name: 'Less', terms: [{ phrase: '  two   words ' }] });
    expect(put.status).toBe(200);
    const body = contextBodySchema.parse(await put.json());
    expect(body).toMatchObject({ id, name: 'Less', terms: [{ phrase: 'two words' }] });
    expect(body).not.toHaveProperty('language');
    expect(put.headers.get('etag')).not.toBe(etag);

    expect((await send('DELETE', `${route}/${id}`)).status).toBe(204);
    for (const [method, content] of [['GET'], ['PUT', drugs], ['DELETE']] as const) {
      const refused = await problemOf(await send(method, `${route}/${id}`, content));
      expect(refused).toMatchObject({ status: 404, code: 'context_not_found' });
    }
  });

  it('lets only who has seen the last change change it, where asked to', async () => {
    const { id, etag } = await created(drugs);
    const path = `${route}/${id}`;
    expect((await send('PUT', path, drugs, { 'if-match': etag })).status).toBe(200);
    for (const stale of [etag, 'W/"2"', '"x"']) {
      expect(await problemOf(await send('PUT', path, drugs, { 'if-match': stale }))).toMatchObject({
        status: 412,
        code: 'precondition_failed',
      });
      expect((await send('DELETE', path, undefined, { 'if-match': stale })).status).toBe(412);
    }
    expect((await send('DELETE', path, undefined, { 'if-match': '*' })).status).toBe(204);
    const gone = await problemOf(await send('DELETE', path, undefined, { 'if-match': etag }));
    expect(gone.code).toBe('context_not_found');
  });

  it('is not sent again to who has it', async () => {
    const { id, etag } = await created(drugs);
    const path = `${route}/${id}`;
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const response = await send('GET', path, undefined, { 'if-none-match': known });
      expect([response.status, await response.text(), response.headers.get('etag')]).toEqual([304, '', etag]);
    }
    await send('PUT', path, { ...drugs, name: 'Other' });
    const changed = await send('GET', path, undefined, { 'if-none-match': etag });
    expect([changed.status, changed.headers.get('cache-control')]).toEqual([200, 'private, no-cache']);
  });

  it('lists contexts page by page without their terms', async () => {
    const ids: string[] = [];
    for (const name of ['one', 'two', 'three']) ids.unshift((await created({ ...drugs, name })).id);
    const first = contextListSchema.parse((await client.json(`${route}?limit=2`)).body);
    expect(first.contexts).toMatchObject([
      { name: 'three', terms_count: 2 },
      { name: 'two', terms_count: 2 },
    ]);
    const second = await client.json(`${route}?limit=1&cursor=${first.next_cursor ?? ''}`);
    expect(contextListSchema.parse(second.body).contexts.map(({ id }) => id)).toEqual([ids[2]]);
    for (const query of ['limit=0', 'limit=201', 'cursor=nonsense', 'name=one']) {
      expect((await client.problem(`${route}?${query}`)).code).toBe('invalid_request');
    }
  });

  const term = { phrase: 'a' };
  it.each<[string, unknown, string]>([
    ['no object', [], ''],
    ['a text', 'drugs', ''],
    ['no name', { terms: [term] }, '/name'],
    ['an empty name', { name: ' ', terms: [term] }, '/name'],
    ['a name with a line end', { name: 'a\nb', terms: [term] }, '/name'],
    ['no terms', { name: 'x' }, '/terms'],
    ['an empty list', { name: 'x', terms: [] }, '/terms'],
    ['too many terms', { name: 'x', terms: Array.from({ length: 501 }, (_, n) => ({ phrase: `p${n}` })) }, '/terms'],
    ['a phrase that is too long', { name: 'x', terms: [{ phrase: 'a'.repeat(101) }] }, '/terms/0/phrase'],
    ['an empty phrase', { name: 'x', terms: [{ phrase: '  ' }] }, '/terms/0/phrase'],
    ['a phrase with a control character', { name: 'x', terms: [{ phrase: 'a\u0000b' }] }, '/terms/0/phrase'],
    ['half a character', { name: 'x', terms: [{ phrase: '\ud800' }] }, '/terms/0/phrase'],
    ['a phrase twice', { name: 'x', terms: [term, { phrase: ' a ', boost: 3 }] }, '/terms/1/phrase'],
    ['a boost out of range', { name: 'x', terms: [{ phrase: 'a', boost: 100.5 }] }, '/terms/0/boost'],
    ['a boost as text', { name: 'x', terms: [{ phrase: 'a', boost: '3' }] }, '/terms/0/boost'],
    ['a term that is a text', { name: 'x', terms: ['a'] }, '/terms/0'],
    ['an unknown field', { name: 'x', terms: [term], colour: 'red' }, '/colour'],
    ['an unknown field of a term', { name: 'x', terms: [{ ...term, weight: 1 }] }, '/terms/0/weight'],
    ['no language tag', { name: 'x', language: 'klingonish', terms: [term] }, '/language'],
  ])('refuses %s', async (_what, body, pointer) => {
    expect(await problemOf(await send('POST', route, body))).toEqual({
      status: 400,
      code: 'invalid_request',
      pointers: [pointer],
    });
  });

  it('takes a context of the longest phrases and refuses bodies beyond that', async () => {
    const phrase = (n: number) => `${String(n).padStart(3, '0')}${'語'.repeat(97)}`;
    const terms = Array.from({ length: 500 }, (_, n) => ({ phrase: phrase(n), boost: -12.345 }));
    const { id } = await created({ name: 'Large', terms });
    expect(contextBodySchema.parse((await client.json(`${route}/${id}`)).body).terms).toEqual(terms);
    // Many clients write all but ASCII as escapes, which take six bytes.
    const escaped = JSON.stringify({ name: '語'.repeat(200), terms }).replace(/\p{Lo}/gu, '\\u8a9e');
    const headers = { 'content-type': 'application/json' };
    expect((await fetch(server.url + route, { method: 'POST', headers, body: escaped })).status).toBe(201);
    const huge = await problemOf(await send('POST', route, { name: 'x'.repeat(300_000), terms }));
    expect(huge.code).toBe('payload_too_large');
    const form = await send('POST', route, undefined, { 'content-type': 'application/x-www-form-urlencoded' });
    expect(form.status).toBeGreaterThanOrEqual(400);
    expect(form.status).toBeLessThan(500);
  });

  it('gives a job its own copy, which outlives the context', async () => {
    const { id } = await created(drugs);
    const { jobId } = await client.submit({ context_id: id, language: 'en' });
    await send('DELETE', `${route}/${id}`);
    const context = { id, language: 'en-US', phrases: drugs.terms };
    expect((await server.jobs.find(jobId))?.options.context).toEqual(context);
  });

  it('serves contexts over gRPC with the same checks', async () => {
    const channel = createGrpcChannel(server.grpcAddress);
    const contexts = createGrpcClient(jobV1.ContextServiceDefinition, channel, { unaryDeadlineMs: 10_000 });
    const codeOf = async (call: Promise<unknown>): Promise<string> => {
      const error: unknown = await call.catch((thrown: unknown) => thrown);
      return fromGrpcError(error, { peer: 'dependency', name: 'gateway' }).code;
    };
    try {
      const content = { name: 'Names', language: '', terms: [{ phrase: 'Zoë', boost: 2.5 }, { phrase: 'Mx Lee' }] };
      const { context } = await contexts.createContext({ content });
      expect(context).toMatchObject({ name: 'Names', termCount: 2, revision: 1, terms: content.terms });
      const contextId = context?.contextId ?? '';
      expect((await contexts.getContext({ contextId })).context).toEqual(context);
      const page = await contexts.listContexts({ pageSize: 1, pageToken: '' });
      expect(page.contexts).toMatchObject([{ contextId, termCount: 2, terms: [] }]);
      const updated = await contexts.updateContext({ contextId, content: { ...content, name: 'More' }, revision: 1 });
      expect(updated.context).toMatchObject({ name: 'More', revision: 2 });
      expect(await codeOf(contexts.updateContext({ contextId, content, revision: 1 }))).toBe('precondition_failed');
      expect(await codeOf(contexts.createContext({ content: { ...content, terms: [] } }))).toBe('invalid_request');
      expect(await codeOf(contexts.createContext({}))).toBe('invalid_request');
      await contexts.deleteContext({ contextId, revision: 0 });
      expect(await codeOf(contexts.getContext({ contextId }))).toBe('context_not_found');
      expect(await codeOf(contexts.getContext({ contextId: randomUUID() }))).toBe('context_not_found');
    } finally {
      channel.close();
    }
  });
});
