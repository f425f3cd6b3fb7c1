import { parseSync } from 'subtitle';
import { instanceOf } from '../../libs/routing/testing.js';
import { resultSchema } from './openapi/response-schemas.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';
import { PlayedWorker } from './testing/played-worker.js';
import { RestClient } from './testing/rest-client.js';
import { silentWav } from './testing/sounds.js';

const base = '/api/transcribe/jobs';

describe('results', () => {
  let server: GatewayUnderTest;
  let client: RestClient;
  let resultPath: string;
  let downloadPath: string;

  beforeAll(async () => {
    server = await startGatewayUnderTest([instanceOf('local')]);
    client = new RestClient(server.url);
    const { jobId, transcriptId } = await client.submit();
    resultPath = `${base}/result/${jobId}`;
    downloadPath = `/api/transcripts/${transcriptId}/download`;
    expect((await client.get(resultPath)).headers.get('cache-control')).toBe('no-store');
    await new PlayedWorker(server).complete(jobId);
  });
  afterAll(async () => {
    await server.stop();
  });

  it.each([
    ['the result', () => resultPath],
    ['a text', () => downloadPath],
    ['subtitles', () => `${downloadPath}?format=vtt&max_lines=1`],
  ])('are given with a tag by which a client need not read %s again', async (_, path) => {
    const first = await client.get(path());
    const tag = first.headers.get('etag') ?? '';
    expect(tag).toMatch(/^"/);
    expect(first.headers.get('cache-control')).toBe('private, no-cache');
    const body = await first.text();
    const again = await client.get(path(), { 'if-none-match': tag });
    expect([again.status, again.headers.get('etag'), await again.text()]).toEqual([304, tag, '']);
    expect((await client.get(path(), { 'if-none-match': '"other"' })).status).toBe(200);
    const head = await fetch(server.url + path(), { method: 'HEAD' });
    expect([head.status, head.headers.get('etag'), await head.text()]).toEqual([200, tag, '']);
    expect(head.headers.get('content-length')).toBe(String(Buffer.byteLength(body)));
  });

  it('differ in their tags where they differ in anything', async () => {
    const queries = ['format=txt', 'format=txt&speakers=none', 'format=srt', 'format=srt&max_line_chars=10'];
    const tags = await Promise.all(
      queries.map(async (query) => (await client.get(`${downloadPath}?${query}`)).headers.get('etag')),
    );
    expect(new Set(tags).size).toBe(queries.length);
  });

  it('obey the rules for subtitles that the client gives', async () => {
    const query =
      'format=srt&max_line_chars=10&max_lines=1&min_cue_s=0.5&max_cue_s=3&max_chars_per_second=20&speakers=none';
    const text = await (await client.get(`${downloadPath}?${query}`)).text();
    expect(text.split('\n').filter((line) => /^[A-Z a-z?.]+$/.test(line))).toEqual([
      'How are',
      'you?',
      'Much',
      'better.',
    ]);
  });

  it('follow each of these rules by itself', async () => {
    const plain = await cues('');
    expect(plain.map(({ endMs }) => endMs)).toEqual([2_000, 4_800]);
    for (const { lines } of await cues('max_line_chars=10')) {
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(10);
    }
    expect((await cues('max_line_chars=10')).map(({ lines }) => lines.length)).toContain(2);
    for (const { lines } of await cues('max_line_chars=10&max_lines=1')) expect(lines).toHaveLength(1);
    expect((await cues('max_chars_per_second=5'))[0]?.endMs).toBeGreaterThan(2_000);
    expect((await cues('min_cue_s=2.3'))[0]?.endMs).toBe(2_370);
    const short = await cues('min_cue_s=0.2&max_cue_s=1');
    expect(short.length).toBeGreaterThan(plain.length);
    for (const { startMs, endMs } of short) expect(endMs - startMs).toBeLessThanOrEqual(1_000);
  });

  async function cues(query: string): Promise<{ startMs: number; endMs: number; lines: string[] }[]> {
    const response = await client.get(`${downloadPath}?format=srt&speakers=none&${query}`);
    const nodes = parseSync(await response.text());
    return nodes.flatMap(({ type, data }) =>
      type === 'cue' ? [{ startMs: data.start, endMs: data.end, lines: data.text.split('\n') }] : [],
    );
  }

  it.each([
    ['format=srt&max_line_chars=9', '/max_line_chars'],
    ['format=srt&max_lines=1.5', '/max_lines'],
    ['format=srt&max_lines=many', '/max_lines'],
    ['format=vtt&min_cue_s=5&max_cue_s=1', '/min_cue_s'],
    ['format=vtt&max_chars_per_second=-1', '/max_chars_per_second'],
    ['format=txt&max_lines=1', '/max_lines'],
    ['speakers=everyone', '/speakers'],
    ['lines=2', '/lines'],
  ])('are refused with %s, by the name of the parameter', async (query, pointer) => {
    expect(await client.problem(`${downloadPath}?${query}`)).toMatchObject({
      status: 400,
      code: 'invalid_request',
      errors: [{ pointer }],
    });
  });

  it('hold a link to the recording that obeys conditions and lasts an hour', async () => {
    const link = resultSchema.parse((await client.json(resultPath)).body).audio_url ?? '';
    const expires = Number(new URL(link).searchParams.get('expires'));
    expect(expires - Date.now()).toBeGreaterThan(3_590_000);
    expect(expires - Date.now()).toBeLessThan(3_910_000);

    const whole = await fetch(link);
    const tag = whole.headers.get('etag') ?? '';
    const modified = whole.headers.get('last-modified') ?? '';
    expect((await whole.arrayBuffer()).byteLength).toBe(silentWav(1).length);
    expect(whole.headers.get('cache-control')).toBe('private, no-cache');
    const ask = async (headers: Record<string, string>) => {
      const answer = await fetch(link, { headers });
      return [answer.status, (await answer.arrayBuffer()).byteLength];
    };
    expect(await ask({ 'if-none-match': tag })).toEqual([304, 0]);
    expect(await ask({ range: 'bytes=0-9', 'if-range': tag })).toEqual([206, 10]);
    expect(await ask({ range: 'bytes=0-9', 'if-range': modified })).toEqual([206, 10]);
    expect(await ask({ range: 'bytes=0-9', 'if-range': '"older"' })).toEqual([200, silentWav(1).length]);
    const head = await fetch(link, { method: 'HEAD', headers: { range: 'bytes=0-9' } });
    expect([head.status, head.headers.get('content-length'), head.headers.get('etag')]).toEqual([206, '10', tag]);
  });
});
