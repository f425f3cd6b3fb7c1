import { once } from 'node:events';
import { connect } from 'node:net';
import { eventually } from '#testing';
import { instanceOf } from '../../libs/routing/testing.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';
import { PlayedWorker } from './testing/played-worker.js';
import { RestClient } from './testing/rest-client.js';

const base = '/api/transcribe/jobs';

describe('the event stream', () => {
  let server: GatewayUnderTest;
  let client: RestClient;
  let worker: PlayedWorker;

  beforeAll(async () => {
    server = await startGatewayUnderTest([instanceOf('local')]);
    client = new RestClient(server.url);
    worker = new PlayedWorker(server);
  });
  afterAll(async () => {
    await server.stop();
  });

  const whole = ['status', 'status', 'delta', 'delta', 'completed'];

  it('sends events while they happen and closes after the last', async () => {
    const { jobId } = await client.submit();
    const events = client.events(jobId);
    expect((await events.next()).value).toMatchObject({ id: '1', type: 'status', data: { status: 'queued' } });
    await worker.complete(jobId);
    const rest: string[] = [];
    for await (const { type } of events) rest.push(type);
    expect(rest).toEqual(whole.slice(1));
  });

  it('says what kind of stream it is and that nothing may hold it back', async () => {
    const { jobId } = await client.submit();
    const controller = new AbortController();
    const response = await fetch(`${server.url}${base}/stream/${jobId}`, { signal: controller.signal });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    expect(response.headers.get('x-request-id')).toMatch(/.+/);
    controller.abort();
  });

  it('gives one that comes late the whole history, and one that comes back just the rest', async () => {
    const { jobId } = await client.submit();
    await worker.complete(jobId);
    const all = await client.allEvents(jobId);
    expect(all.map(({ type }) => type)).toEqual(whole);
    for (const [index, { id }] of all.entries()) {
      expect(await client.allEvents(jobId, id)).toEqual(all.slice(index + 1));
    }
  });

  it('answers 204 when all was read, by header and by query', async () => {
    const { jobId } = await client.submit();
    await worker.complete(jobId);
    const last = (await client.allEvents(jobId)).at(-1)?.id ?? '';
    expect((await client.get(`${base}/stream/${jobId}`, { 'last-event-id': last })).status).toBe(204);
    expect((await client.get(`${base}/stream/${jobId}?last_event_id=${last}`)).status).toBe(204);
  });

  it('makes the end from the database once the log has expired', async () => {
    const { jobId, transcriptId } = await client.submit();
    await worker.complete(jobId);
    await server.events.forget(jobId);
    const [end, ...more] = await client.allEvents(jobId, '3');
    expect(end).toMatchObject({ id: 'end', type: 'completed', data: { transcript_id: transcriptId, duration: 5 } });
    expect(more).toEqual([]);
    expect((await client.get(`${base}/stream/${jobId}`, { 'last-event-id': 'end' })).status).toBe(204);

    const failed = await client.submit();
    await worker.fail(failed.jobId);
    await server.events.forget(failed.jobId);
    expect(await client.allEvents(failed.jobId)).toMatchObject([
      { type: 'error', data: { code: 'engine_bad_response', detail: 'Every engine failed.' } },
    ]);
  });

  it('does not take the end of an attempt that was retried for the end', async () => {
    const { jobId } = await client.submit();
    await worker.fail(jobId);
    await client.json(`${base}/${jobId}/retry`, { method: 'POST' });
    const events = client.events(jobId);
    const types: string[] = [];
    for await (const { type } of events) {
      types.push(type);
      // The status that the retry gave is the third; until then nothing but the old attempt can have come.
      if (types.length === 3) await worker.complete(jobId);
    }
    expect(types).toEqual(['status', 'status', 'status', 'status', 'delta', 'delta', 'completed']);
  });

  it('takes the end for the end though a worker has spoken once more behind it', async () => {
    const { jobId } = await client.submit();
    await worker.complete(jobId);
    const late = { segment_id: '9-9', span: 9, text: 'late', t0: 0, t1: 1 };
    await server.events.publish(jobId, [{ type: 'delta', data: late }]);
    const all = await client.allEvents(jobId);
    expect(all.map(({ type }) => type)).toEqual(whole);
    const last = all.at(-1)?.id ?? '';
    expect((await client.get(`${base}/stream/${jobId}`, { 'last-event-id': last })).status).toBe(204);
  });

  it('refuses a last id that it never gave', async () => {
    const { jobId } = await client.submit();
    expect(await client.problem(`${base}/stream/${jobId}?last_event_id=x`)).toMatchObject({
      code: 'invalid_request',
      errors: [{ pointer: '/last_event_id' }],
    });
  });

  it('ends what it holds when the client goes away', async () => {
    const { jobId } = await client.submit();
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.write(`GET ${base}/stream/${jobId} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await once(socket, 'data');
    socket.destroy();
    const line = await eventually('the request to end', () =>
      server.logLines.find((entry) => entry.includes('/stream/:jobId') && entry.includes('"status":499')),
    );
    expect(line).toContain('"method":"GET"');
  });
});
