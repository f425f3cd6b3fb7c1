import http, { type Server } from 'node:http';
import type { EngineRequest } from '#contracts';
import { ScriptedEngine, scriptedSpeech, scriptedWords, wavFile } from '#engine-testkit';
import { eventually } from '#testing';
import { TusClient } from '../apps/gateway/testing/tus-client.js';
import { TestMesh } from './support/mesh.js';

const said = [scriptedWords.slice(0, 3), scriptedWords.slice(3, 6)];
const text = said.map((words) => words.join(' ')).join(' ');
const recording = new Uint8Array(wavFile(scriptedSpeech(said)));
const route = '/api/transcribe/jobs/transcribe';
const sessionId = '2b0f4c1e-6a3d-4e0f-9d59-6a1c6c1f2e77';

interface Case {
  readonly option: string;
  readonly fields: Readonly<Record<string, string>>;
  readonly path?: string;
  readonly result?: object;
  /** What the engine that served was asked. */
  readonly request?: object;
}

const cases: readonly Case[] = [
  { option: 'file', fields: {}, result: { text, filename: 'talk.wav', engine: 'auto' } },
  { option: 'engine', fields: { engine: 'local' }, result: { engine: 'local', engine_used: 'local' } },
  {
    option: 'the engine of the route',
    path: `${route}/asr`,
    fields: {},
    result: { engine: 'asr', engine_used: 'asr' },
  },
  {
    option: 'engines',
    fields: { engine: 'compare', engines: 'local,asr' },
    result: { engine: 'compare', transcripts: [{ engine: 'local' }, { engine: 'asr' }] },
  },
  { option: 'language', fields: { language: 'de' }, result: { language: 'de' }, request: { language: 'de' } },
  { option: 'model', fields: { model: 'scripted-small' }, result: { model: 'scripted-small' } },
  { option: 'session_id', fields: { session_id: sessionId }, result: { session_id: sessionId } },
  { option: 'db_id', fields: { db_id: 'row 7' }, result: { db_id: 'row 7' } },
  { option: 'metadata', fields: { metadata: '{"a":{"b":[1,null]}}' }, result: { metadata: { a: { b: [1, null] } } } },
  { option: 'title', fields: { title: 'Besuch №7' }, result: { title: 'Besuch №7' } },
  { option: 'tags', fields: { tags: 'a,b' }, result: { tags: ['a', 'b'] } },
  {
    option: 'enable_diarization',
    fields: { enable_diarization: 'true' },
    result: { segments: [{ speaker_tag: 0 }, { speaker_tag: expect.any(Number) as number }] },
    request: { diarization: {} },
  },
  { option: 'min_speakers', fields: { min_speakers: '2' }, request: { diarization: { minSpeakers: 2 } } },
  { option: 'max_speakers', fields: { max_speakers: '3' }, request: { diarization: { maxSpeakers: 3 } } },
  {
    option: 'word_timestamps',
    fields: { word_timestamps: 'true' },
    result: { segments: [{ words: [{ word: 'alpha' }, { word: 'bravo' }, {}] }, {}] },
    request: { wordTimestamps: true },
  },
  { option: 'punctuation', fields: { punctuation: 'false' }, request: { punctuation: false } },
  { option: 'profanity_filter', fields: { profanity_filter: 'true' }, request: { profanityFilter: true } },
  { option: 'verbatim', fields: { verbatim: 'true' }, request: { verbatim: true } },
  {
    option: 'engine_options',
    fields: { engine: 'asr', engine_options: '{"asr":{"stop_history":"800"},"local":{"beam":"5"}}' },
    request: { engineOptions: { stop_history: '800' } },
  },
  { option: 'task', fields: { task: 'translate' }, request: { task: 'translate' } },
  { option: 'profile', fields: { profile: 'precise' }, request: { profile: 'precise' } },
  {
    option: 'on_unsupported',
    fields: { engine: 'local', verbatim: 'true', on_unsupported: 'warn' },
    result: { engine_used: 'local', warnings: [{ code: 'unsupported_feature' }] },
  },
  {
    option: 'allow_fallback',
    fields: { engine: 'whisperx', allow_fallback: 'true' },
    result: { engine: 'whisperx', engine_used: 'asr', fallback_reason: expect.any(String) as string },
  },
];

describe('an option of a submission over REST', () => {
  let mesh: TestMesh;
  let gateway: string;
  let files: Server;
  let fileUrl: string;
  const engines = [
    new ScriptedEngine({ engine: 'asr' }),
    new ScriptedEngine({ engine: 'local', capabilities: { verbatim: false } }),
  ];

  beforeAll(async () => {
    files = http.createServer((_request, response) => response.end(recording));
    await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
    const address = files.address();
    const host = `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
    fileUrl = `http://${host}/talk.wav`;
    mesh = await TestMesh.start(undefined, { URL_ALLOWED_HOSTS: host });
    for (const engine of engines) await mesh.host(engine);
    gateway = await mesh.serve();
    await mesh.work();
    await eventually('the gateway to know both engines', async () => {
      const { engines: known } = await get<{ engines: Record<string, { available: boolean }> }>('/engines?format=json');
      return known['asr']?.available === true && known['local']?.available === true;
    });
  }, 60_000);
  afterAll(async () => {
    await mesh.stop();
    files.closeAllConnections();
    files.close();
  });

  async function get<T>(path: string): Promise<T> {
    const response = await fetch(gateway + path);
    expect([path, response.status]).toEqual([path, 200]);
    return (await response.json()) as T;
  }

  /** What became of a submission, and what engines were asked for it. */
  async function outcomeOf(response: Response): Promise<{ result: unknown; requests: EngineRequest[] }> {
    const accepted = (await response.json()) as { job_id: string };
    expect([response.status, accepted]).toMatchObject([202, { status: 'queued' }]);
    const { job_id: jobId } = accepted;
    await eventually(
      'the end of the job',
      async () => (await get<{ status: string }>(`/api/transcribe/jobs/status/${jobId}`)).status === 'completed',
      60_000,
    );
    const calls = engines.flatMap((engine) => engine.calls.map(({ request }) => request));
    return {
      result: await get(`/api/transcribe/jobs/result/${jobId}`),
      requests: calls.filter(({ requestId }) => requestId.startsWith(jobId)),
    };
  }

  it.each(cases.map((one) => [one.option, one] as const))(
    '%s has its effect',
    async (_option, { fields, path = route, result = {}, request = {} }) => {
      const form = new FormData();
      for (const [name, value] of Object.entries({ language: 'en', ...fields })) form.append(name, value);
      form.append('file', new Blob([recording]), 'talk.wav');
      const outcome = await outcomeOf(await fetch(gateway + path, { method: 'POST', body: form }));
      expect(outcome.result).toMatchObject(result);
      expect(outcome.requests[0]).toMatchObject(request);
    },
    90_000,
  );

  it.each(['application/json', 'application/x-www-form-urlencoded'])(
    'url is fetched, as %s',
    async (type) => {
      const fields = { url: fileUrl, language: 'en' };
      const body = type === 'application/json' ? JSON.stringify(fields) : new URLSearchParams(fields).toString();
      const sent = await fetch(gateway + route, { method: 'POST', body, headers: { 'content-type': type } });
      expect((await outcomeOf(sent)).result).toMatchObject({ text, filename: 'talk.wav' });
    },
    90_000,
  );

  it.each([false, true])(
    'result_file leaves a file with a link to it, with reuse=%s',
    async (reuse) => {
      const form = new FormData();
      const fields = { language: 'en', title: 'Visit', result_file: 'srt', reuse: String(reuse) };
      for (const [name, value] of Object.entries(fields)) form.append(name, value);
      form.append('file', new Blob([recording]), 'talk.wav');
      const sent = await fetch(gateway + route, { method: 'POST', body: form });
      const { job_id: jobId, status } = (await sent.json()) as { job_id: string; status: string };
      expect([sent.status, status]).toEqual([202, reuse ? 'completed' : 'queued']);
      const events = await (await fetch(`${gateway}/api/transcribe/jobs/stream/${jobId}`)).text();
      expect(events).toContain('event: completed');
      const result = await get<{ result_file_url: string }>(`/api/transcribe/jobs/result/${jobId}`);
      const file = await fetch(result.result_file_url);
      expect(file.headers.get('content-type')).toBe('application/x-subrip; charset=utf-8');
      expect(file.headers.get('content-disposition')).toContain('Visit.srt');
      expect(await file.text()).toMatch(/^1\n00:00:/);
    },
    120_000,
  );

  it('upload_id takes what was uploaded', async () => {
    const client = new TusClient(gateway);
    const id = await client.upload(recording, { filename: 'upload.wav' });
    const outcome = await outcomeOf(await client.submit(id, { language: 'en' }));
    expect(outcome.result).toMatchObject({ text, filename: 'upload.wav' });
  }, 90_000);
});
