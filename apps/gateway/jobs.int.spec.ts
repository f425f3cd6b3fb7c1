import { randomUUID } from 'node:crypto';
import { JobLeaseRepository } from '#persistence';
import { eventually } from '#testing';
import { instanceOf } from '../../libs/routing/testing.js';
import {
  acceptedSchema,
  cancelledSchema,
  enginesSchema,
  jobListSchema,
  jobSchema,
  problemSchema,
  resultSchema,
  statsSchema,
} from './openapi/response-schemas.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';
import { PlayedWorker } from './testing/played-worker.js';
import { RestClient } from './testing/rest-client.js';
import { silentWav } from './testing/sounds.js';

const base = '/api/transcribe/jobs';

describe('jobs over REST', () => {
  let server: GatewayUnderTest;
  let client: RestClient;
  let worker: PlayedWorker;

  beforeAll(async () => {
    const down = instanceOf('whisperx', { state: 'unavailable', reason: 'The backend does not answer.' });
    server = await startGatewayUnderTest([instanceOf('local'), down]);
    client = new RestClient(server.url);
    worker = new PlayedWorker(server);
  });
  afterAll(async () => {
    await server.stop();
  });

  it('tells where a job stands from the queue to the end', async () => {
    const { jobId, transcriptId } = await client.submit();
    const queued = jobSchema.parse((await client.json(`${base}/status/${jobId}`)).body);
    expect(queued).toMatchObject({ transcript_id: transcriptId, status: 'queued', worker_id: null, attempts: 0 });

    await worker.claim(jobId);
    const running = jobSchema.parse((await client.json(`${base}/status/${jobId}`)).body);
    expect(running).toMatchObject({ status: 'processing', progress: 40, stage: 'transcribing', attempts: 1 });
    expect(running.eta_s).toBeGreaterThanOrEqual(0);
    expect(statsSchema.parse((await client.json(`${base}/stats`)).body)).toMatchObject({ processing: 1, workers: 1 });

    const other = await client.submit();
    await worker.complete(other.jobId);
    const completed = jobSchema.parse((await client.json(`${base}/status/${other.jobId}`)).body);
    expect(completed).toMatchObject({ status: 'completed', progress: 100, result: { segments_count: 2, duration: 5 } });
    await new JobLeaseRepository(server.database).claim(jobId, 'nobody', 1);
  });

  it('tells why a job failed and on which engines', async () => {
    const { jobId } = await client.submit();
    await worker.fail(jobId);
    const job = jobSchema.parse((await client.json(`${base}/status/${jobId}`)).body);
    expect(job.error).toEqual({
      code: 'engine_bad_response',
      message: 'Every engine failed.',
      retryable: true,
      attempts: [{ engine: 'local', instance: 'local-1', code: 'engine_bad_response', message: 'It broke.' }],
    });
  });

  it('gives the result once the job is completed, and its status before', async () => {
    const { jobId } = await client.submit({ metadata: '{"a":1}', db_id: 'x-7' });
    expect(await client.problem(`${base}/result/${jobId}`)).toMatchObject({
      status: 409,
      code: 'job_not_completed',
      job_status: 'queued',
    });
    await worker.complete(jobId);
    const result = resultSchema.parse((await client.json(`${base}/result/${jobId}`)).body);
    expect(result).toMatchObject({
      text: 'How are you? Much better.',
      engine: 'auto',
      engine_used: 'local',
      metadata: { a: 1 },
      db_id: 'x-7',
      segments: [{ id: '0-0', start: 0.07, end: 2, speaker_tag: 0, confidence: 0.9 }, { speaker_tag: 1 }],
    });
  });

  it('serves the recording by its link, whole and in ranges, to nobody without the signature', async () => {
    const { jobId } = await client.submit();
    await worker.complete(jobId);
    const link = resultSchema.parse((await client.json(`${base}/result/${jobId}`)).body).audio_url ?? '';
    const whole = await fetch(link);
    expect(whole.status).toBe(200);
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      'content-type': 'audio/wav',
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
      'content-disposition': `attachment; filename="visit.wav"; filename*=UTF-8''visit.wav`,
    });
    const bytes = silentWav(1);
    expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);

    const part = await fetch(link, { headers: { range: 'bytes=8-11' } });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 8-11/${bytes.length}`]);
    expect(await part.text()).toBe('WAVE');
    const beyond = await fetch(link, { headers: { range: `bytes=${bytes.length}-` } });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${bytes.length}`]);
    expect(beyond.headers.get('content-type')).toBe('application/problem+json');
    expect(problemSchema.parse(await beyond.json())).toMatchObject({ status: 416, code: 'range_not_satisfiable' });
    expect((await fetch(link, { method: 'HEAD' })).headers.get('content-length')).toBe(String(bytes.length));
    expect((await fetch(link.replace('visit.wav', 'evil.html'))).status).toBe(403);
    expect((await fetch(link.replace(/&signature=.*/, ''))).status).toBe(403);
    expect(server.logLines.join('')).not.toContain('signature=');
  });

  it('hands out the transcript in every format', async () => {
    const { jobId, transcriptId } = await client.submit({ title: 'Besuch "A" / 日本' });
    const path = `/api/transcripts/${transcriptId}/download`;
    expect(await client.problem(path)).toMatchObject({ code: 'job_not_completed' });
    await worker.complete(jobId);
    const text = await client.get(path);
    expect(await text.text()).toBe('Speaker 1: How are you?\n\nSpeaker 2: Much better.\n');
    expect(text.headers.get('content-disposition')).toBe(
      `attachment; filename="Besuch _A_ _ __.txt"; filename*=UTF-8''Besuch%20%22A%22%20_%20%E6%97%A5%E6%9C%AC.txt`,
    );
    const types = await Promise.all(
      ['md', 'srt', 'vtt', 'json', 'tsv'].map(async (format) => {
        const response = await client.get(`${path}?format=${format}`);
        return [response.status, response.headers.get('content-type')];
      }),
    );
    expect(types).toEqual([
      [200, 'text/markdown; charset=utf-8'],
      [200, 'application/x-subrip; charset=utf-8'],
      [200, 'text/vtt; charset=utf-8'],
      [200, 'application/json; charset=utf-8'],
      [200, 'text/tab-separated-values; charset=utf-8'],
    ]);
    expect(await client.problem(`${path}?format=docx`)).toMatchObject({ code: 'invalid_request' });
    const byRole = await client.get(`${path}?speakers=roles`);
    expect(await byRole.text()).toBe('Provider: How are you?\n\nPatient: Much better.\n');
    expect(await client.problem(`${path}?speakers=names`)).toMatchObject({ code: 'invalid_request' });
    expect(await client.problem(`/api/transcripts/${randomUUID()}/download`)).toMatchObject({
      code: 'transcript_not_found',
    });
  });

  it('cancels a queued job at once and runs it again on request', async () => {
    const { jobId } = await client.submit();
    const cancelled = await client.json(`${base}/${jobId}`, { method: 'DELETE' });
    expect(cancelled.status).toBe(200);
    expect(cancelledSchema.parse(cancelled.body).status).toBe('cancelled');
    expect(await server.queue.has(jobId)).toBe(false);
    expect((await client.allEvents(jobId)).map(({ type }) => type)).toEqual(['status', 'status', 'cancelled']);
    expect(await client.problem(`${base}/${jobId}`, { method: 'DELETE' })).toMatchObject({
      status: 409,
      code: 'job_state_conflict',
      job_status: 'cancelled',
    });

    const tickets = await server.queue.waiting();
    const retried = await client.json(`${base}/${jobId}/retry`, { method: 'POST' });
    expect(retried.status).toBe(202);
    expect(acceptedSchema.parse(retried.body).job_id).toBe(jobId);
    await eventually('one ticket more', async () => (await server.queue.waiting()) === tickets + 1);
    expect(await client.problem(`${base}/${jobId}/retry`, { method: 'POST' })).toMatchObject({ status: 409 });
  });

  it('answers 409 to a retry when the recording is no longer kept, whoever removed it', async () => {
    for (const remove of [noteRemoval, removeObject]) {
      const { jobId } = await client.submit();
      await client.json(`${base}/${jobId}`, { method: 'DELETE' });
      await remove(jobId);
      expect(await client.problem(`${base}/${jobId}/retry`, { method: 'POST' })).toMatchObject({
        status: 409,
        code: 'job_state_conflict',
        detail: expect.stringContaining('no longer kept') as string,
      });
    }

    async function noteRemoval(jobId: string): Promise<void> {
      await server.database.query('UPDATE transcript_jobs SET media_removed_at = now() WHERE job_id = $1', [jobId]);
    }
    async function removeObject(jobId: string): Promise<void> {
      await server.objects.delete((await server.jobs.find(jobId))?.media?.key ?? '');
    }
  });

  it('asks the worker of a running job to stop', async () => {
    const { jobId } = await client.submit();
    const lease = await worker.claim(jobId);
    const answer = await client.json(`${base}/${jobId}`, { method: 'DELETE' });
    expect([answer.status, cancelledSchema.parse(answer.body).status]).toEqual([202, 'processing']);
    expect(await new JobLeaseRepository(server.database).renew(lease, 60_000)).toBe('cancel_requested');
  });

  it('lists jobs newest first, page by page and by filter', async () => {
    const sessionId = randomUUID();
    const ids: string[] = [];
    for (let index = 0; index < 3; index += 1) ids.unshift((await client.submit({ session_id: sessionId })).jobId);
    const first = jobListSchema.parse((await client.json(`${base}?session_id=${sessionId}&limit=2`)).body);
    const rest = jobListSchema.parse(
      (await client.json(`${base}?session_id=${sessionId}&limit=2&cursor=${first.next_cursor ?? ''}`)).body,
    );
    expect([...first.jobs, ...rest.jobs].map((job) => job.job_id)).toEqual(ids);
    expect(rest).not.toHaveProperty('next_cursor');
    const none = await client.json(`${base}?session_id=${sessionId}&status=failed&engine=auto`);
    expect(jobListSchema.parse(none.body).jobs).toEqual([]);
  });

  it('lists by each filter the jobs that it names, and no others', async () => {
    const sessionId = randomUUID();
    const queued = (await client.submit({ session_id: sessionId })).jobId;
    const completed = (await client.submit({ session_id: sessionId, engine: 'local' })).jobId;
    await worker.complete(completed);
    const { created_at: between } = jobSchema.parse((await client.json(`${base}/status/${completed}`)).body);
    const listed = async (query: string): Promise<string[]> => {
      const { body } = await client.json(`${base}?session_id=${sessionId}&${query}`);
      return jobListSchema.parse(body).jobs.map((job) => job.job_id);
    };
    expect(await listed('status=queued')).toEqual([queued]);
    expect(await listed('status=completed')).toEqual([completed]);
    expect(await listed('engine=local')).toEqual([completed]);
    expect(await listed('engine=auto')).toEqual([queued]);
    expect(await listed(`created_after=${between}`)).toEqual([completed]);
    expect(await listed(`created_before=${between}`)).toEqual([queued]);
  });

  it.each([
    ['limit=201', '/limit'],
    ['limit=0', '/limit'],
    ['status=done', '/status'],
    ['created_after=yesterday', '/created_after'],
    ['cursor=nonsense', '/cursor'],
    ['order=asc', '/order'],
  ])('refuses a list with %s', async (query, pointer) => {
    expect(await client.problem(`${base}?${query}`)).toMatchObject({ code: 'invalid_request', errors: [{ pointer }] });
  });

  it.each([
    ['GET', `${base}/status/`],
    ['GET', `${base}/result/`],
    ['GET', `${base}/stream/`],
    ['DELETE', `${base}/`],
  ])('answers 404 to %s %s of an unknown job', async (method, path) => {
    expect(await client.problem(path + randomUUID(), { method })).toMatchObject({ status: 404, code: 'job_not_found' });
    expect(await client.problem(`${path}no-uuid`, { method })).toMatchObject({ status: 404, code: 'job_not_found' });
  });

  it('shows every kind of engine, with the reason where it is not available', async () => {
    const { engines, default_engine: byDefault } = enginesSchema.parse(
      (await client.json('/engines?format=json')).body,
    );
    expect(byDefault).toBe('auto');
    expect(engines.local).toMatchObject({ available: true, model: 'local-model', health: { status: 'serving' } });
    expect(engines.whisperx).toMatchObject({ available: false, reason: 'The backend does not answer.', url: '' });
    expect(engines.asr).toMatchObject({ available: false, reason: 'no instance is registered', instances: [] });
    expect((await client.json(`${base}/engines`)).body).toMatchObject({ default_engine: 'auto' });
  });
});
