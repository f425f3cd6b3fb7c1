import { createGrpcChannel, createGrpcClient, type GrpcClient } from '#grpc';
import { MAX_URL_LENGTH } from '#outbound-http';
import { jobV1 } from '#protos';
import type { Channel } from 'nice-grpc';
import { fileNameCases } from '../../libs/media-intake/testing.js';
import { attachmentNamed } from '#objects';
import { instanceOf } from '../../libs/routing/testing.js';
import { resultSchema } from './openapi/response-schemas.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';
import { PlayedWorker } from './testing/played-worker.js';
import { RestClient } from './testing/rest-client.js';
import { silentWav } from './testing/sounds.js';
import { TusClient } from './testing/tus-client.js';

const own = '/api/transcribe/jobs/transcribe';
const sound = silentWav(1);
/** After that long a form in which nothing goes on is refused. */
const SILENT_FOR_MS = 10_000;

describe('the name of a file', () => {
  let server: GatewayUnderTest;
  let client: RestClient;
  let worker: PlayedWorker;
  let channel: Channel;
  let grpc: GrpcClient<typeof jobV1.JobServiceDefinition>;

  beforeAll(async () => {
    const limits = { aroundFileMs: SILENT_FOR_MS };
    server = await startGatewayUnderTest([instanceOf('local')], { URL_ALLOWED_HOSTS: 'files.example' }, limits);
    client = new RestClient(server.url);
    worker = new PlayedWorker(server);
    channel = createGrpcChannel(server.grpcAddress);
    grpc = createGrpcClient(jobV1.JobServiceDefinition, channel, { unaryDeadlineMs: 20_000 });
  });
  afterAll(async () => {
    channel.close();
    await server.stop();
  });

  /** A form as it is on the wire, with the name in this parameter. */
  async function form(path: string, parameter: string): Promise<string> {
    return jobIn(await sent(path, parameter));
  }

  function sent(path: string, parameter: string) {
    const body = Buffer.concat([
      Buffer.from(`--b\r\ncontent-disposition: form-data; name="file"; ${parameter}\r\n`),
      Buffer.from('content-type: audio/wav\r\n\r\n'),
      sound,
      Buffer.from('\r\n--b--\r\n'),
    ]);
    const headers = { 'content-type': 'multipart/form-data; boundary=b' };
    return client.json(path, { method: 'POST', body, headers });
  }

  function jobIn({ status, body }: { status: number; body: unknown }): string {
    expect([status, body]).toEqual([202, expect.anything()]);
    return (body as { job_id: string }).job_id;
  }

  /** Every way in, for names that can be written there. */
  async function submitted(name: string): Promise<Record<string, string>> {
    const quoted = `filename="${name.replace(/["\\]/g, '\\$&')}"`;
    const extended = `filename*=UTF-8''${encodeURIComponent(name)}`;
    const plain = !/[\0\r\n]/.test(name);
    const url = `http://files.example/talks/${encodeURIComponent(name)}`;
    const headers = { 'content-type': 'application/json' };
    const uploadId = await new TusClient(server.url).upload(new Uint8Array(sound), { filename: name });
    return {
      ...(plain ? { form: await form(own, quoted), predecessor: await form('/v1/transcribe', quoted) } : {}),
      ...(name === '' || /[\r\n]/.test(name) ? {} : { 'extended form': await form(own, extended) }),
      ...(url.length <= MAX_URL_LENGTH
        ? { url: jobIn(await client.json(own, { method: 'POST', body: JSON.stringify({ url }), headers })) }
        : {}),
      upload: jobIn(await client.json(own, { method: 'POST', body: JSON.stringify({ upload_id: uploadId }), headers })),
      gRPC: (await grpc.submit(messages(name))).job?.jobId ?? '',
    };
  }

  it.each(fileNameCases)('with %s is kept safe and shown right, whatever way it came', async (_what, given, shown) => {
    const jobs = await submitted(given);
    const names = await Promise.all(
      Object.entries(jobs).map(async ([way, jobId]) => {
        const { body } = await client.json(`/api/v1/transcription/${jobId}`);
        return [way, (body as { filename: string }).filename];
      }),
    );
    expect(names).toEqual(Object.keys(jobs).map((way) => [way, shown]));
    expect(await server.storedFiles()).toEqual((await server.storedFiles()).filter((name) => /^[\w.-]+$/.test(name)));

    const jobId = jobs['gRPC'] ?? '';
    await worker.complete(jobId);
    const result = resultSchema.parse((await client.json(`/api/transcribe/jobs/result/${jobId}`)).body);
    expect(result.filename).toBe(shown);
    const media = await fetch(result.audio_url ?? '');
    expect([media.status, media.headers.get('content-disposition')]).toEqual([200, attachmentNamed(shown)]);
    const file = await client.get(`/api/transcripts/${result.transcript_id}/download?format=srt`);
    const base = shown.replace(/\.[^.]{1,10}$/u, '') || 'transcript';
    expect(file.headers.get('content-disposition')).toBe(attachmentNamed(`${base}.srt`));
  });

  it('with line breaks in a form refuses the form', async () => {
    // The library that reads forms drops such a part.
    const { status, body } = await sent(own, "filename*=UTF-8''a%0D%0Ab.wav");
    expect([status, body]).toEqual([400, expect.objectContaining({ code: 'invalid_request' })]);
  });
});

async function* messages(filename: string) {
  yield await Promise.resolve({ payload: { $case: 'options' as const, value: { filename } } });
  yield { payload: { $case: 'content' as const, value: sound } };
}
