import type { EngineKind, JobOptions } from '#contracts';
import { JobLeaseRepository } from '#persistence';
import { instanceOf } from '../../libs/routing/testing.js';
import { acceptedSchema, problemSchema, resultSchema } from './openapi/response-schemas.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';
import { RestClient } from './testing/rest-client.js';
import { silentWav } from './testing/sounds.js';

describe('jobs of several engines', () => {
  let server: GatewayUnderTest;
  let client: RestClient;

  beforeAll(async () => {
    server = await startGatewayUnderTest([
      instanceOf('local'),
      instanceOf('asr', { state: 'unavailable', capabilities: { languages: ['en', 'de'] } }),
    ]);
    client = new RestClient(server.url);
  });
  afterAll(() => server.stop());

  function send(fields: Readonly<Record<string, string>>): Promise<Response> {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append('file', new Blob([new Uint8Array(silentWav(1))]), 'talk.wav');
    return fetch(`${server.url}/api/transcribe/jobs/transcribe`, { method: 'POST', body: form });
  }

  async function accepted(fields: Readonly<Record<string, string>>): Promise<JobOptions | undefined> {
    const body = acceptedSchema.parse(await (await send(fields)).json());
    expect(body.engine).toBe(fields['engine']);
    return (await server.jobs.find(body.job_id))?.options;
  }

  async function refused(fields: Readonly<Record<string, string>>): Promise<[number, string, string[]]> {
    const response = await send(fields);
    const { code, errors } = problemSchema.parse(await response.json());
    return [response.status, code, (errors ?? []).map(({ pointer }) => pointer)];
  }

  it('run all engines that can serve, preferred first, also one that is down at the moment', async () => {
    expect((await accepted({ engine: 'compare' }))?.engines?.toSorted()).toEqual(['asr', 'local']);
    expect((await accepted({ engine: 'consensus', engines: 'local,asr' }))?.engines).toEqual(['local', 'asr']);
    const named = await accepted({ engine: 'compare', engines: '["whisperx", "local", "asr"]' });
    expect(named?.engines).toEqual(['whisperx', 'local', 'asr']);
  });

  it('are refused where fewer than two engines could serve', async () => {
    expect(await refused({ engine: 'compare', engines: 'whisperx,local' })).toEqual([503, 'no_engine', ['/engines']]);
    expect(await refused({ engine: 'consensus', language: 'de' })).toEqual([400, 'unsupported_language', ['/engines']]);
  });

  it('name each engine once, and only where there are several', async () => {
    expect(await refused({ engine: 'compare', engines: 'asr,asr' })).toEqual([400, 'invalid_request', ['/engines']]);
    expect(await refused({ engine: 'compare', engines: 'asr' })).toEqual([400, 'invalid_request', ['/engines']]);
    expect(await refused({ engine: 'compare', engines: 'asr,kaldi' })).toEqual([
      400,
      'invalid_request',
      ['/engines/1'],
    ]);
    expect(await refused({ engine: 'local', engines: 'asr,local' })).toEqual([400, 'invalid_request', ['/engines']]);
  });

  it('show what each engine wrote, how far they agree, and whose a word is', async () => {
    const body = acceptedSchema.parse(await (await send({ engine: 'consensus' })).json());
    await complete(body.job_id);
    const response = await client.get(`/api/transcribe/jobs/result/${body.job_id}`);
    const result = resultSchema.parse(await response.json());
    expect(result).toMatchObject({
      engine: 'consensus',
      engine_used: 'asr',
      text: 'how are you',
      segments: [{ words: [{ word: 'how', engine: 'asr' }, {}, { word: 'you', engine: 'local' }] }],
      transcripts: [
        { engine: 'asr', text: 'how are yew' },
        { engine: 'local', text: 'how are you' },
      ],
      agreement: 0.5,
      pairs: [{ engines: ['asr', 'local'], agreement: 0.5 }],
      diff: [
        { start: 0, end: 0.6, text: 'how are' },
        { start: 0.6, end: 1, texts: { asr: 'yew', local: 'you' } },
      ],
    });

    const path = `/api/transcripts/${body.transcript_id}/download`;
    expect(await (await client.get(path)).text()).toContain('how are you');
    expect(await (await client.get(`${path}?engine=asr`)).text()).toContain('how are yew');
    const one = resultSchema.parse(await (await client.get(`${path}?engine=asr&format=json`)).json());
    expect(one).toMatchObject({ engine_used: 'asr', text: 'how are yew' });
    expect(one.transcripts).toBeUndefined();
    const missing = await client.get(`${path}?engine=whisperx`);
    expect(problemSchema.parse(await missing.json())).toMatchObject({ status: 404, code: 'transcript_not_found' });
  });

  /** Does what a worker does. */
  async function complete(jobId: string): Promise<void> {
    const leases = new JobLeaseRepository(server.database);
    const claim = await leases.claim(jobId, 'worker-1', 60_000);
    if (!claim) throw new Error('The job cannot be claimed.');
    const { lease } = claim;
    const lane = async (index: number, engine: EngineKind, text: string) => {
      await leases.planSpans(lease, [{ index, startMs: 0, endMs: 1_000 }]);
      const segments = [{ id: `${index}-0`, span: index, startMs: 0, endMs: 1_000, text }];
      const result = { segments, engine, instance: 'x', model: 'm', language: 'en', warnings: [] };
      await leases.commitSpan(lease, index, result, 'transcript_lane_segments');
      return { lane: index, engine, model: 'm', language: 'en', warnings: [] };
    };
    const lanes = [await lane(0, 'asr', 'how are yew'), await lane(1, 'local', 'how are you')];
    const word = (text: string, engine: EngineKind) => ({ text, startMs: 0, endMs: 1_000, engine });
    const words = [word('how', 'asr'), word('are', 'asr'), word('you', 'local')];
    await leases.lanes.settle(lease, 0, [
      { id: '0-v0', span: 0, startMs: 0, endMs: 1_000, text: 'how are you', words },
    ]);
    await leases.lanes.end(lease, lanes, {
      engines: ['asr', 'local'],
      agreement: 0.5,
      pairs: [{ engines: ['asr', 'local'], agreement: 0.5 }],
      diff: [
        { startMs: 0, endMs: 600, agreed: true, texts: ['how are', 'how are'] },
        { startMs: 600, endMs: 1_000, agreed: false, texts: ['yew', 'you'] },
      ],
    });
    const ending = { language: 'en', durationMs: 1_000, engineUsed: 'asr', model: 'm', warnings: [] } as const;
    await leases.complete(lease, ending);
  }
});
