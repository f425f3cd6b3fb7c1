import { instanceOf } from '../../libs/routing/testing.js';
import { routeSchema } from './openapi/routing-schemas.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';
import { RestClient } from './testing/rest-client.js';

const route = '/api/transcribe/jobs/route';

const instances = [
  instanceOf('asr', {
    id: 'asr-1',
    inFlight: 1,
    stats: { calls: 9, realTimeFactor: 0.02, queueMs: 40, errorRate: 0.25 },
    capabilities: { maxAudioMs: 60_000 },
  }),
  instanceOf('local', { id: 'local-1', stats: { calls: 3, realTimeFactor: 0.1 } }),
  instanceOf('whisperx', {
    id: 'whisperx-1',
    breaker: { state: 'open', reason: 'three faults in a row' },
    capabilities: { languages: ['*'] },
  }),
];

describe('the dry run of routing', () => {
  let server: GatewayUnderTest;
  let client: RestClient;

  beforeAll(async () => {
    const policy = [{ profiles: ['precise'], languages: ['en'], policy: 'cheapest' }];
    const environment = { ROUTING_POLICY: JSON.stringify(policy), ENGINE_COSTS: 'asr=3.6' };
    server = await startGatewayUnderTest(instances, environment);
    client = new RestClient(server.url);
  });
  afterAll(() => server.stop());

  async function decide(query: Readonly<Record<string, string>>) {
    const { status, body } = await client.json(`${route}?${new URLSearchParams(query).toString()}`);
    expect(status).toBe(200);
    return routeSchema.parse(body);
  }

  it('shows the candidates in order, what put them there, and why others are none', async () => {
    const decision = await decide({ language: 'en', duration_s: '30' });
    expect(decision).toMatchObject({
      policy: { kind: 'prefer', engines: ['asr', 'whisperx', 'local'] },
      ...{ accepted: true, last_resort: false, call_s: 30 },
      candidates: [
        {
          instance: 'asr-1',
          engine: 'asr',
          figures: {
            expected_s: 0.853333,
            cost: 0.04,
            load: 1.333333,
            ...{ real_time_factor: 0.02, error_rate: 0.25, queue_ms: 40, in_flight: 1, capacity: 2, breaker: 'closed' },
          },
        },
        { instance: 'local-1', engine: 'local', behind_by: 'preference', figures: { expected_s: 3, cost: 0 } },
      ],
      rejections: [
        {
          ...{ instance: 'whisperx-1', engine: 'whisperx', code: 'breaker_open', permanent: false },
          detail: 'whisperx is not called for a while: three faults in a row.',
        },
      ],
    });
    expect(decision.candidates[1]?.rank.find(({ name }) => name === 'preference')).toEqual({
      name: 'preference',
      value: 2,
    });
  });

  it('goes by the policy that the operator set for a profile and language', async () => {
    const decision = await decide({ language: 'en-GB', profile: 'precise' });
    expect(decision.policy).toEqual({ kind: 'cheapest' });
    expect(decision.candidates.map(({ instance }) => instance)).toEqual(['local-1', 'asr-1']);
    expect(decision.candidates[1]?.behind_by).toBe('cost');
    expect(decision.call_s).toBeNull();
  });

  it('shows the least bad where every breaker is open', async () => {
    const decision = await decide({ language: 'yo' });
    expect(decision).toMatchObject({
      ...{ accepted: true, last_resort: true },
      candidates: [{ instance: 'whisperx-1', figures: { breaker: 'open' } }],
      rejections: [{ code: 'language', permanent: true }, { code: 'language' }],
    });
  });

  it('routes a long recording by its pieces, and as a whole where speakers are to be told apart', async () => {
    expect((await decide({ language: 'en', duration_s: '3600' })).call_s).toBe(120);
    const whole = { language: 'en', duration_s: '3600', enable_diarization: 'true', on_unsupported: 'warn' };
    expect(await decide(whole)).toMatchObject({
      call_s: 3600,
      candidates: [{ instance: 'local-1' }],
      rejections: [{ instance: 'asr-1', code: 'audio_too_long' }, { code: 'breaker_open' }],
    });
  });

  it.each<[string, Record<string, string>, string[]]>([
    ['engine', { engine: 'local' }, ['local-1']],
    ['allow_fallback', { engine: 'local', allow_fallback: 'true' }, ['local-1', 'asr-1']],
    ['language', { language: 'de' }, ['whisperx-1']],
    ['model', { model: 'local-model' }, ['local-1']],
    ['task', { task: 'translate' }, []],
    ['profile', { profile: 'precise', language: 'en' }, ['local-1', 'asr-1']],
    ['enable_diarization', { enable_diarization: 'true' }, []],
    ['word_timestamps', { word_timestamps: 'true' }, []],
    ['punctuation', { punctuation: 'false' }, []],
    ['profanity_filter', { profanity_filter: 'true' }, []],
    ['verbatim', { verbatim: 'true' }, []],
    ['on_unsupported', { verbatim: 'true', on_unsupported: 'warn' }, ['asr-1', 'local-1']],
    ['engine_options', { engine_options: '{"asr":{"x":"1"}}' }, ['local-1']],
    ['duration_s', { duration_s: '3600', enable_diarization: 'true', on_unsupported: 'warn' }, ['local-1']],
  ])('goes by %s', async (_name, query, candidates) => {
    const decision = await decide({ language: 'en', ...query });
    expect(decision.candidates.map(({ instance }) => instance)).toEqual(candidates);
  });

  it('says what a submission would be refused with', async () => {
    const query = { engine: 'local', language: 'de' };
    const decision = await decide(query);
    expect(decision).toMatchObject({ accepted: false, refusal: { code: 'unsupported_language', status: 400 } });
    const { code, detail, errors } = await client.problem('/api/transcribe/jobs/transcribe', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...query, url: 'https://example.org/a.wav' }),
    });
    expect(decision.refusal).toEqual({ status: 400, code, detail, errors });
  });

  it('shows for several engines those that take part, and refuses where fewer than two can', async () => {
    const named = await decide({ engine: 'compare', engines: 'local,asr', language: 'en' });
    expect(named).toMatchObject({ accepted: true, rejections: [] });
    expect(named.candidates.map(({ engine }) => engine)).toEqual(['asr', 'local']);
    const query = { engine: 'consensus', engines: 'local,asr', language: 'yo' };
    const decision = await decide(query);
    expect(decision).toMatchObject({ accepted: false, refusal: { code: 'unsupported_language' } });
    expect(decision.refusal?.detail).toMatch(/^consensus needs two engines/);
  });

  it('says whether a remote worker would take the job', async () => {
    const query = { worker: 'remote', engine: 'local', language: 'en' };
    expect(await decide(query)).toMatchObject({ accepted: false, refusal: { code: 'no_engine' } });
    expect(await decide({ ...query, allow_fallback: 'true' })).toMatchObject({ accepted: true });
  });

  it.each([
    ['engines that have no meaning', 'engine=asr&engines=asr,local', 'invalid_request', '/engines'],
    ['a remote worker for several engines', 'engine=compare&worker=remote', 'invalid_request', '/worker'],
    ['an unknown engine', 'engine=dragon', 'unknown_engine', '/engine'],
    ['a duration that is none', 'duration_s=long', 'invalid_request', '/duration_s'],
    ['a duration of nothing', 'duration_s=0', 'invalid_request', '/duration_s'],
    ['two durations', 'duration_s=1&duration_s=2', 'invalid_request', '/duration_s'],
    ['a language that is none', 'language=english!', 'invalid_request', '/language'],
    ['an unknown field', 'engin=asr', 'invalid_request', '/engin'],
    ['a recording', 'url=https%3A%2F%2Fexample.org%2Fa.wav', 'invalid_request', '/url'],
    ['a bad option that has no say', 'priority=12', 'invalid_request', '/priority'],
    ['a field given twice', 'engine=asr&engine=local', 'invalid_request', '/engine'],
  ])('refuses %s as a submission would', async (_title, query, code, pointer) => {
    const problem = await client.problem(`${route}?${query}`);
    expect(problem).toMatchObject({ status: 400, code });
    expect(problem.errors?.map((error) => error.pointer)).toEqual([pointer]);
  });

  it('does not know a context that is not there', async () => {
    const problem = await client.problem(`${route}?context_id=00000000-0000-4000-8000-000000000000`);
    expect(problem).toMatchObject({ status: 404, code: 'context_not_found' });
  });

  it('takes no options at all, and empty ones', async () => {
    expect((await decide({})).accepted).toBe(true);
    expect((await decide({ language: '', duration_s: '', tags: 'a,b' })).call_s).toBeNull();
  });

  it('creates nothing', async () => {
    await decide({ language: 'en', session_id: '00000000-0000-4000-8000-000000000000' });
    expect(await server.countRows()).toBe(0);
    expect(await server.storedFiles()).toEqual([]);
  });
});
