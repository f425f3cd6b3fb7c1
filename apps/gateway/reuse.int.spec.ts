import { readFile } from 'node:fs/promises';
import { createGrpcChannel, createGrpcClient } from '#grpc';
import { jobV1 } from '#protos';
import { MediaFolder } from '../../libs/audio/testing.js';
import { instanceOf } from '../../libs/routing/testing.js';
import { acceptedSchema, jobListSchema, jobSchema, resultSchema } from './openapi/response-schemas.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';
import { PlayedWorker } from './testing/played-worker.js';
import { RestClient } from './testing/rest-client.js';
import { silentWav } from './testing/sounds.js';
import { TusClient } from './testing/tus-client.js';

const route = '/api/transcribe/jobs/transcribe';

describe('submitting with reuse', () => {
  let server: GatewayUnderTest;
  let client: RestClient;
  let tus: TusClient;
  let worker: PlayedWorker;
  let seconds = 1;

  beforeAll(async () => {
    server = await startGatewayUnderTest([instanceOf('local')]);
    client = new RestClient(server.url);
    tus = new TusClient(server.url);
    worker = new PlayedWorker(server);
  });
  afterAll(() => server.stop());

  type Fields = Readonly<Record<string, string>>;

  async function multipart(wav: Buffer, fields: Fields): Promise<Response> {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append('file', new Blob([new Uint8Array(wav)]), 'visit.wav');
    return fetch(server.url + route, { method: 'POST', body: form });
  }

  async function accepted(response: Response) {
    expect(response.status).toBe(202);
    return acceptedSchema.parse(await response.json());
  }

  /** A recording that no test had before, of which there is a transcript. */
  async function transcribed(fields: Fields = {}): Promise<{ wav: Buffer; jobId: string; transcriptId: string }> {
    seconds += 1;
    const wav = silentWav(seconds);
    const { job_id: jobId, transcript_id: transcriptId } = await accepted(await multipart(wav, fields));
    await worker.complete(jobId);
    return { wav, jobId, transcriptId };
  }

  async function result(jobId: string) {
    return resultSchema.parse((await client.json(`/api/transcribe/jobs/result/${jobId}`)).body);
  }

  it('gives a completed job at once, with its own ids, words of its owner and end', async () => {
    const { wav, jobId } = await transcribed({ title: 'First', db_id: '1' });
    const again = await accepted(await multipart(wav, { reuse: 'true', title: 'Second', db_id: '2' }));
    expect(again).toMatchObject({ status: 'completed', message: 'The job has the transcript of an earlier one.' });
    expect(again.job_id).not.toBe(jobId);
    const [first, second] = [await result(jobId), await result(again.job_id)];
    expect(second).toMatchObject({ title: 'Second', db_id: '2', reused_from: jobId, text: first.text });
    expect(second.segments).toEqual(first.segments);
    expect(second.speaker_roles).toEqual(first.speaker_roles);
    expect(first.reused_from).toBeUndefined();
    const status = jobSchema.parse((await client.json(`/api/transcribe/jobs/status/${again.job_id}`)).body);
    expect(status).toMatchObject({ status: 'completed', progress: 100, reused_from: jobId, attempts: 0 });
    expect(await server.queue.has(again.job_id)).toBe(false);
    const events = await client.allEvents(again.job_id);
    expect(events.map(({ type }) => type)).toEqual(['status', 'completed']);
    const audio = await fetch(second.audio_url ?? '');
    expect(Buffer.from(await audio.arrayBuffer()).equals(wav)).toBe(true);
  });

  it('leaves the file that is asked for, and tells the end once it is there', async () => {
    const { wav } = await transcribed();
    const { job_id: jobId } = await accepted(await multipart(wav, { reuse: 'true', result_file: 'txt' }));
    const events = await client.allEvents(jobId);
    expect(events.map(({ type }) => type)).toEqual(['status', 'status', 'completed']);
    const file = await fetch((await result(jobId)).result_file_url ?? '');
    expect(await file.text()).toContain('How are you?');
  });

  it('is the same over tus, a form of its upload, and gRPC', async () => {
    const { wav, jobId } = await transcribed();
    const uploadId = await tus.upload(new Uint8Array(wav), { filename: 'visit.wav' });
    const submitted = await accepted(await tus.submit(uploadId, { reuse: 'true' }));
    expect((await server.jobs.find(submitted.job_id))?.reusedFrom).toBe(jobId);
    const formUpload = await tus.upload(new Uint8Array(wav));
    const body = new URLSearchParams({ upload_id: formUpload, reuse: '1' });
    expect((await accepted(await fetch(server.url + route, { method: 'POST', body }))).status).toBe('completed');
    const channel = createGrpcChannel(server.grpcAddress);
    try {
      const grpc = createGrpcClient(jobV1.JobServiceDefinition, channel, { unaryDeadlineMs: 10_000 });
      const { job } = await grpc.submit(messages({ reuse: true, filename: 'visit.wav' }, wav));
      expect(job).toMatchObject({ state: jobV1.JobState.COMPLETED, media: { sizeBytes: wav.length } });
      expect(job?.reusedFromJobId).not.toBe('');
      const { transcript } = await grpc.getTranscript({ jobId: job?.jobId ?? '' });
      expect(transcript).toMatchObject({ text: 'How are you? Much better.', reusedFromJobId: job?.reusedFromJobId });
    } finally {
      channel.close();
    }
  });

  it.each([
    ['it is not asked for', {}],
    ['another text is asked for', { reuse: 'true', profile: 'fast' }],
  ])('queues a job where %s', async (_why, fields: Fields) => {
    const { wav } = await transcribed();
    expect(await accepted(await multipart(wav, fields))).toMatchObject({ status: 'queued' });
  });

  it('queues a job where the earlier transcript was erased, and keeps what was taken from it', async () => {
    const { wav, transcriptId } = await transcribed();
    const copy = await accepted(await multipart(wav, { reuse: 'true' }));
    const erase = (id: string) => fetch(`${server.url}/api/transcripts/${id}`, { method: 'DELETE' });
    expect((await erase(transcriptId)).status).toBe(204);
    expect((await result(copy.job_id)).segments).toHaveLength(2);
    expect((await erase(copy.transcript_id)).status).toBe(204);
    expect(await accepted(await multipart(wav, { reuse: 'true' }))).toMatchObject({ status: 'queued' });
  });

  it('lets two equal submissions at once both run, or one take the other, and fails neither', async () => {
    seconds += 1;
    const wav = silentWav(seconds);
    const both = await Promise.all([multipart(wav, { reuse: 'true' }), multipart(wav, { reuse: 'true' })]);
    for (const response of both) {
      const { job_id: jobId, status } = await accepted(response);
      expect(status).toBe('queued');
      await worker.complete(jobId);
      expect((await result(jobId)).segments).toHaveLength(2);
    }
  });

  it('gives the same answer when it is sent again under its key', async () => {
    const { wav } = await transcribed();
    const send = async () => {
      const form = new FormData();
      form.append('reuse', 'true');
      form.append('file', new Blob([new Uint8Array(wav)]), 'visit.wav');
      const headers = { 'idempotency-key': 'reuse-again' };
      return accepted(await fetch(server.url + route, { method: 'POST', body: form, headers }));
    };
    const first = await send();
    expect(first.status).toBe('completed');
    expect(await send()).toEqual(first);
  });

  it('shows what a video holds in status, list and result', async () => {
    const { job_id: jobId } = await accepted(await multipart(await video(), {}));
    const media = {
      type: 'video/mp4',
      container: 'mov,mp4,m4a,3gp,3g2,mj2',
      created_at: '2024-05-06T07:08:09.000Z',
      audio: { codec: 'aac', sample_rate: 44_100, channels: 1 },
      video: { codec: 'mpeg4', width: 128, height: 96, frame_rate: 25 },
    };
    const status = jobSchema.parse((await client.json(`/api/transcribe/jobs/status/${jobId}`)).body);
    expect(status.media).toMatchObject(media);
    const list = jobListSchema.parse((await client.json('/api/transcribe/jobs?limit=1')).body);
    expect(list.jobs[0]?.media).toEqual(status.media);
    await worker.complete(jobId);
    expect((await result(jobId)).media).toEqual(status.media);
  });
});

async function* messages(options: Partial<jobV1.SubmitOptions>, wav: Buffer) {
  yield { payload: { $case: 'options' as const, value: options } };
  yield { payload: { $case: 'content' as const, value: await Promise.resolve(wav) } };
}

async function video(): Promise<Buffer> {
  const folder = new MediaFolder();
  try {
    const picture = ['-f', 'lavfi', '-i', 'testsrc=duration=1:size=128x96:rate=25'];
    const tone = ['-f', 'lavfi', '-i', 'sine=duration=1:sample_rate=44100'];
    const recorded = ['-metadata', 'creation_time=2024-05-06T07:08:09Z', '-c:v', 'mpeg4'];
    return await readFile(folder.make('visit.mp4', ...picture, ...tone, ...recorded));
  } finally {
    folder.dispose();
  }
}
