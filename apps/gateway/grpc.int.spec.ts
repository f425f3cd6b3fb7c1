import { createGrpcChannel, createGrpcClient, type GrpcClient } from '#grpc';
import { jobV1 } from '#protos';
import type { Channel } from 'nice-grpc';
import { instanceOf } from '../../libs/routing/testing.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';
import { PlayedWorker } from './testing/played-worker.js';
import { RestClient } from './testing/rest-client.js';
import { silentWav } from './testing/sounds.js';

describe('jobs over gRPC', () => {
  let server: GatewayUnderTest;
  let channel: Channel;
  let client: GrpcClient<typeof jobV1.JobServiceDefinition>;
  let worker: PlayedWorker;
  const wav = silentWav(1);

  beforeAll(async () => {
    server = await startGatewayUnderTest([instanceOf('local')], { MAX_FILE_SIZE: '100000' });
    channel = createGrpcChannel(server.grpcAddress);
    client = createGrpcClient(jobV1.JobServiceDefinition, channel, { unaryDeadlineMs: 10_000 });
    worker = new PlayedWorker(server);
  });
  afterAll(async () => {
    channel.close();
    await server.stop();
  });

  type Options = Partial<jobV1.SubmitOptions>;
  interface Message {
    payload: { $case: 'options'; value: Options } | { $case: 'content'; value: Buffer };
  }

  async function* messages(options: Options, file: Buffer): AsyncGenerator<Message> {
    yield { payload: { $case: 'options', value: options } };
    for (let at = 0; at < file.length; at += 10_000) {
      yield { payload: { $case: 'content', value: await Promise.resolve(file.subarray(at, at + 10_000)) } };
    }
  }

  async function submit(options: Options = {}, file = wav): Promise<jobV1.Job> {
    const { job } = await client.submit(messages(options, file));
    if (!job) throw new Error('The answer holds no job.');
    return job;
  }

  it('takes a file in pieces, under the options of the REST form', async () => {
    const job = await submit({
      filename: 'visit.wav',
      language: 'en',
      maxSpeakers: 0,
      tags: ['a'],
      metadata: { b: 1 },
    });
    expect(job).toMatchObject({ state: jobV1.JobState.QUEUED, engine: 'auto' });
    const stored = await server.jobs.find(job.jobId);
    expect(stored?.options).toMatchObject({
      language: 'en',
      tags: ['a'],
      metadata: { b: 1 },
      enableDiarization: false,
    });
    expect(stored?.media).toMatchObject({ filename: 'visit.wav', bytes: wav.length });
    expect((await client.get({ jobId: job.jobId })).job).toEqual(job);
  });

  it.each([
    ['an unknown engine', { engine: 'dragon' }, wav, 'INVALID_ARGUMENT'],
    ['a language that no engine has', { language: 'de' }, wav, 'INVALID_ARGUMENT'],
    ['an empty file', {}, Buffer.alloc(0), 'INVALID_ARGUMENT'],
    ['text', {}, Buffer.from('text '.repeat(100)), 'INVALID_ARGUMENT'],
    ['a file over the limit', {}, silentWav(5), 'RESOURCE_EXHAUSTED'],
  ])('refuses %s and leaves nothing', async (_, options, file, status) => {
    const before = [await server.countRows(), (await server.storedFiles()).length];
    await expect(submit(options, file)).rejects.toThrow(status);
    expect([await server.countRows(), (await server.storedFiles()).length]).toEqual(before);
  });

  it('refuses content without options', async () => {
    async function* contentOnly(): AsyncGenerator<Message> {
      yield { payload: { $case: 'content', value: await Promise.resolve(wav) } };
    }
    await expect(client.submit(contentOnly())).rejects.toThrow('The first message must hold the options.');
  });

  it('watches a job to its end and gives the transcript', async () => {
    const { jobId, transcriptId } = await submit();
    await expect(client.getTranscript({ jobId })).rejects.toThrow('FAILED_PRECONDITION');
    const types: string[] = [];
    const watching = (async () => {
      for await (const { event } of client.watch({ jobId, afterSequence: 1 })) types.push(event?.type ?? '');
    })();
    await worker.complete(jobId);
    await watching;
    expect(types).toEqual(['status', 'delta', 'delta', 'completed']);
    const { transcript } = await client.getTranscript({ jobId });
    expect(transcript).toMatchObject({
      transcriptId,
      text: 'How are you? Much better.',
      engineUsed: 'local',
      speakerRoles: { '0': 'provider', '1': 'patient' },
      duration: { seconds: 5, nanos: 0 },
      segments: [{ segmentId: '0-0', startOffset: { seconds: 0, nanos: 70_000_000 }, speakerTag: 0, words: [] }, {}],
    });
  });

  it('ends the watch of a job that runs on when it stops, and says that it comes from there', async () => {
    const own = await startGatewayUnderTest([instanceOf('local')]);
    const ownChannel = createGrpcChannel(own.grpcAddress);
    try {
      const { jobId } = await new RestClient(own.url).submit();
      const watch = createGrpcClient(jobV1.JobServiceDefinition, ownChannel, { unaryDeadlineMs: 10_000 })
        .watch({ jobId })
        [Symbol.asyncIterator]();
      expect((await watch.next()).value).toMatchObject({ event: { type: 'status' } });
      const [ended] = await Promise.all([watch.next().catch(String), own.stop()]);
      expect(ended).toContain('UNAVAILABLE: The gateway is stopping');
    } finally {
      ownChannel.close();
    }
  });

  it('lists by state and cancels', async () => {
    const { jobId } = await submit();
    expect((await client.cancel({ jobId })).job).toMatchObject({ jobId, state: jobV1.JobState.CANCELLED });
    await expect(client.cancel({ jobId })).rejects.toThrow('FAILED_PRECONDITION');
    const { jobs } = await client.list({ state: jobV1.JobState.CANCELLED, pageSize: 1 });
    expect(jobs.map((job) => job.jobId)).toEqual([jobId]);
    await expect(client.get({ jobId: 'nothing' })).rejects.toThrow('NOT_FOUND');
  });
});
