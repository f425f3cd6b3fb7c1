import { randomUUID } from 'node:crypto';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { instanceOf } from '../../libs/routing/testing.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';
import { PlayedWorker } from './testing/played-worker.js';
import { RestClient } from './testing/rest-client.js';
import { silentWav } from './testing/sounds.js';

type Body = Record<string, unknown> & { job_id: string };

describe('paths of predecessors', () => {
  let server: GatewayUnderTest;
  let client: RestClient;
  let worker: PlayedWorker;

  beforeAll(async () => {
    server = await startGatewayUnderTest([instanceOf('local')], { URL_ALLOWED_HOSTS: 'files.example' });
    client = new RestClient(server.url);
    worker = new PlayedWorker(server);
  });
  afterAll(async () => {
    await server.stop();
  });

  async function upload(path: string, fields: Readonly<Record<string, string>> = {}): Promise<Body> {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append('file', new Blob([new Uint8Array(silentWav(1))]), 'visit.wav');
    const { status, body } = await client.json(path, { method: 'POST', body: form });
    expect(status).toBe(202);
    return body as Body;
  }

  async function post(path: string, fields: object): Promise<{ status: number; body: Body }> {
    const headers = { 'content-type': 'application/json' };
    const { status, body } = await client.json(path, { method: 'POST', body: JSON.stringify(fields), headers });
    return { status, body: body as Body };
  }

  async function get(path: string): Promise<Body> {
    return (await client.json(path)).body as Body;
  }

  describe('under /api/v1', () => {
    it('take a file and give status and result in one call', async () => {
      const accepted = await upload('/api/v1/upload/file', { language: 'auto' });
      expect(accepted).toMatchObject({ status: 'pending' });
      const path = `/api/v1/transcription/${accepted.job_id}`;
      expect(await get(path)).toMatchObject({ job_id: accepted.job_id, status: 'pending', filename: 'visit.wav' });
      expect(await get(path)).not.toHaveProperty('result');
      expect(await client.problem(`${path}/download`)).toMatchObject({ status: 409, code: 'job_not_completed' });
      await worker.complete(accepted.job_id);
      expect(await get(path)).toMatchObject({
        status: 'completed',
        progress: 100,
        result: { text: 'How are you? Much better.', language: 'en', duration: 5, segments: [{ start: 0.07 }, {}] },
      });
      for (const [format, beginning] of Object.entries({ txt: 'Speaker 1', srt: '1\n', vtt: 'WEBVTT', json: '{' })) {
        const file = await client.get(`${path}/download?format=${format}`);
        expect((await file.text()).startsWith(beginning)).toBe(true);
      }
    });

    it('take a URL, and refuse one that may not be called', async () => {
      const accepted = await post('/api/v1/upload/url', { url: 'http://files.example/a.mp3' });
      expect(accepted).toMatchObject({ status: 202, body: { status: 'pending' } });
      const refused = await post('/api/v1/upload/url', { url: 'http://127.0.0.1/a.mp3' });
      expect(refused).toMatchObject({ status: 422, body: { code: 'url_not_allowed' } });
    });

    it('cancel and list', async () => {
      const { job_id: jobId } = await upload('/api/v1/upload/file');
      const cancelled = await client.json(`/api/v1/transcription/${jobId}`, { method: 'DELETE' });
      expect(cancelled).toMatchObject({ status: 200, body: { status: 'cancelled' } });
      const list = await get('/api/v1/transcriptions?limit=1&status=cancelled');
      expect(list).toMatchObject({ transcriptions: [{ job_id: jobId, status: 'cancelled' }] });
      expect(await get('/api/v1/transcriptions?limit=1')).toHaveProperty('next_cursor');
      expect(await client.problem('/api/v1/transcriptions?status=queued')).toMatchObject({ code: 'invalid_request' });
      expect(await client.problem('/api/v1/transcriptions?page=2')).toMatchObject({ code: 'invalid_request' });
    });
  });

  describe('of the library', () => {
    const fields = { language: 'en', profile: 'precise', title: 'Besuch 100%', tags: 'a,b', diarization: 'false' };

    it('take a file and stream its text', async () => {
      const accepted = await upload('/transcribe', { ...fields, word_timestamps: 'true' });
      expect(accepted).toMatchObject({ status: 'queued', quality_profile: 'precise' });
      await worker.complete(accepted.job_id);
      const response = await client.get(`/transcribe/${accepted.job_id}`);
      expect(response.headers.get('content-type')).toContain('text/event-stream');
      const events: { event: string; data: unknown }[] = [];
      const messages = response.body?.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
      for await (const { event, data } of messages ?? []) {
        if (event !== undefined) events.push({ event, data: JSON.parse(data) });
      }
      expect(events).toMatchObject([
        { event: 'delta', data: { text: 'How are you?', t0: 0.07, t1: 2 } },
        { event: 'delta', data: { text: 'Much better.' } },
        {
          event: 'completed',
          data: { job_id: accepted.job_id, language: 'en', duration: 5, quality_profile: 'precise' },
        },
      ]);
      const last = (events.at(-1)?.data ?? {}) as { transcript_key: string };
      expect(await get(`/transcripts/${last.transcript_key}`)).toMatchObject({
        id: last.transcript_key,
        title: 'Besuch 100%',
        tags: ['a', 'b'],
        status: 'completed',
        segments: [{ text: 'How are you?' }, { text: 'Much better.' }],
        audio_url: expect.stringContaining('/api/media/') as string,
      });
      const file = await client.get(`/transcripts/${last.transcript_key}/download?format=md`);
      expect(await file.text()).toContain('# Besuch 100');
    });

    it('tell of failures and of cancelled jobs as errors', async () => {
      const failing = await upload('/transcribe', fields);
      await worker.fail(failing.job_id);
      const cancelled = await upload('/transcribe', fields);
      await client.json(`/v1/jobs/${cancelled.job_id}`, { method: 'DELETE' });
      const [first, second] = await Promise.all(
        [failing, cancelled].map(async ({ job_id: jobId }) => (await client.get(`/transcribe/${jobId}`)).text()),
      );
      expect(first).toMatch(/event: error\ndata: .*"detail":"Every engine failed."/);
      expect(second).toMatch(/event: error\ndata: .*"detail":"The job was cancelled."/);
      expect(await client.problem(`/transcribe/${failing.job_id}x`)).toMatchObject({ code: 'job_not_found' });
    });

    it.each([
      ['besuch', true],
      ['100%', true],
      ['100_', false],
      ['VISIT', true],
      ['b', true],
      ['nowhere', false],
      ["' OR 1=1 --", false],
      ['\\', false],
    ])('search for %j in titles, names and tags', async (search, found) => {
      const { job_id: jobId } = await upload('/transcribe', fields);
      const query = new URLSearchParams({ search, status: 'queued', limit: '1' });
      expect(await get(`/transcripts?${query.toString()}`)).toMatchObject({
        transcripts: found ? [{ job_id: jobId }] : [],
      });
    });
  });

  describe('under /v1', () => {
    it('take a file, tell its status by GET and POST, and give the file that was wished for', async () => {
      const fields = { source_type: 'upload', language: 'en', task: 'transcribe', output: 'vtt', db_id: 'row-7' };
      const accepted = await upload('/v1/transcribe', fields);
      expect(accepted).toEqual({ job_id: accepted.job_id, status: 'queued', percent: 0, db_id: 'row-7' });
      const path = `/v1/jobs/${accepted.job_id}`;
      expect((await server.jobs.find(accepted.job_id))?.options).toMatchObject({ resultFile: 'vtt' });
      expect(await client.problem(`${path}/result`)).toMatchObject({ code: 'job_not_completed' });
      await worker.complete(accepted.job_id);
      for (const method of ['GET', 'POST']) {
        const { body } = await client.json(path, { method });
        expect(body).toEqual({ job_id: accepted.job_id, status: 'finished', percent: 100, db_id: 'row-7' });
      }
      const file = await client.get(`${path}/result`);
      expect(file.headers.get('content-disposition')).toContain('visit.vtt');
      expect(await file.text()).toMatch(/^WEBVTT/);
      expect(await (await client.get(`${path}/result?format=txt`)).text()).toContain('Speaker 1');
    });

    it('take a URL with a callback, and call running, failed and cancelled jobs by their words', async () => {
      const url = 'http://files.example/a.mp3';
      const callback = 'http://files.example/done';
      const { body } = await post('/v1/transcribe', { source_type: 'url', url, callback_url: callback, output: 'txt' });
      expect(body).toMatchObject({ status: 'queued', db_id: null });
      expect((await server.jobs.find(body.job_id))?.options.callback?.url).toBe(callback);
      await worker.claim(body.job_id);
      expect(await get(`/v1/jobs/${body.job_id}`)).toMatchObject({ status: 'started', percent: 40 });
      const failing = await upload('/v1/transcribe');
      await worker.fail(failing.job_id);
      expect(await get(`/v1/jobs/${failing.job_id}`)).toMatchObject({
        status: 'failed',
        error: 'Every engine failed.',
      });
      const taken = await upload('/v1/transcribe');
      await client.json(`/v1/jobs/${taken.job_id}`, { method: 'DELETE' });
      expect(await get(`/v1/jobs/${taken.job_id}`)).toMatchObject({
        status: 'failed',
        error: 'The job was cancelled.',
      });
      const stats = await get('/v1/stats');
      expect(Object.keys(stats)).toEqual(['queued', 'started', 'failed', 'finished', 'workers']);
      expect(stats['failed']).toBeGreaterThanOrEqual(2);
    });

    it.each([
      [{ output: 'docx', url: 'http://files.example/a' }, '/output'],
      [{ source_type: 'ftp', url: 'http://files.example/a' }, '/source_type'],
      [{ source_type: 'url' }, '/file'],
      [{ url: 'http://files.example/a', colour: 'red' }, '/colour'],
    ])('refuse %j by the name of the field', async (fields, pointer) => {
      expect(await post('/v1/transcribe', fields)).toMatchObject({
        status: 400,
        body: { code: 'invalid_request', errors: [{ pointer }] },
      });
    });
  });

  it.each([
    ['GET', '/api/v1/transcription/x'],
    ['GET', '/transcripts/x'],
    ['GET', '/v1/jobs/x'],
    ['POST', '/v1/jobs/x'],
    ['GET', '/v1/jobs/x/result'],
    ['DELETE', '/api/v1/transcription/x'],
  ])('answer %s %s of an unknown id with a problem', async (method, path) => {
    expect(await client.problem(path, { method })).toMatchObject({ status: 404 });
  });

  it.each([
    ['/api/v1/upload/file', 'upload'],
    ['/transcribe', 'upload'],
    ['/v1/transcribe', 'upload'],
    ['/api/v1/upload/url', 'url'],
    ['/v1/transcribe', 'url'],
  ])('make one job at %s of an %s that is sent again under its key', async (path, kind) => {
    const key = randomUUID();
    const send = async (seconds: number) => {
      const url = `http://files.example/${seconds}.mp3`;
      const body = kind === 'url' ? new URLSearchParams({ url }) : new FormData();
      if (body instanceof FormData) body.append('file', new Blob([new Uint8Array(silentWav(seconds))]), 'visit.wav');
      const headers = { 'idempotency-key': key };
      const response = await fetch(server.url + path, { method: 'POST', body, headers });
      const replayed = response.headers.get('idempotency-replayed');
      return { status: response.status, body: (await response.json()) as Body, replayed };
    };
    const rows = await server.countRows();
    const first = await send(1);
    expect(first).toMatchObject({ status: 202, replayed: null });
    await worker.claim(first.body.job_id);
    expect(await send(1)).toEqual({ ...first, replayed: 'true' });
    expect(await send(2)).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } });
    expect(await server.countRows()).toBe(rows + 1);
  });

  it.each([
    ['/api/v1/transcriptions', 'transcriptions'],
    ['/transcripts', 'transcripts'],
  ])('list page by page under %s', async (path, field) => {
    const ids = [(await upload('/transcribe')).job_id, (await upload('/transcribe')).job_id];
    const first = await get(`${path}?limit=1`);
    expect(first).toMatchObject({ [field]: [{ job_id: ids[1] }] });
    const second = await get(`${path}?limit=1&cursor=${String(first['next_cursor'])}`);
    expect(second).toMatchObject({ [field]: [{ job_id: ids[0] }] });
  });

  it('answer malformed JSON with a problem', async () => {
    const init = { method: 'POST', body: '{"url":', headers: { 'content-type': 'application/json' } };
    expect(await client.problem('/v1/transcribe', init)).toMatchObject({ status: 400, code: 'invalid_request' });
  });
});
