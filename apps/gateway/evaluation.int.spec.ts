import { instanceOf } from '../../libs/routing/testing.js';
import { evaluationBodySchema, problemSchema } from './openapi/response-schemas.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';
import { PlayedWorker } from './testing/played-worker.js';
import { RestClient } from './testing/rest-client.js';

describe('POST /api/evaluate', () => {
  let server: GatewayUnderTest;

  beforeAll(async () => {
    server = await startGatewayUnderTest([instanceOf('local')]);
  });
  afterAll(() => server.stop());

  function send(body: unknown): Promise<Response> {
    return fetch(`${server.url}/api/evaluate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  async function refused(body: unknown): Promise<[number, string, string[]]> {
    const response = await send(body);
    const { code, errors } = problemSchema.parse(await response.json());
    return [response.status, code, (errors ?? []).map(({ pointer }) => pointer)];
  }

  it('gives the word error rate with its counts and the differences', async () => {
    const response = await send({ reference: 'The cat sat on the mat.', hypothesis: 'the cat sits on mat today' });
    expect(response.status).toBe(200);
    expect(evaluationBodySchema.parse(await response.json())).toEqual({
      wer: 0.5,
      substitutions: 1,
      insertions: 1,
      deletions: 1,
      reference_words: 6,
      hypothesis_words: 6,
      diff: [
        { type: 'equal', reference: 'The cat', hypothesis: 'the cat' },
        { type: 'substitution', reference: 'sat', hypothesis: 'sits' },
        { type: 'equal', reference: 'on', hypothesis: 'on' },
        { type: 'deletion', reference: 'the' },
        { type: 'equal', reference: 'mat.', hypothesis: 'mat' },
        { type: 'insertion', hypothesis: 'today' },
      ],
      diff_truncated: false,
    });
  });

  it('counts case and punctuation where that is asked for', async () => {
    const response = await send({
      ...{ reference: 'Yes, sir', hypothesis: 'yes sir' },
      ...{ ignore_case: false, ignore_punctuation: false },
    });
    expect(await response.json()).toMatchObject({ substitutions: 1, wer: 0.5 });
  });

  it('takes transcripts by their ids, on either side', async () => {
    const { jobId, transcriptId } = await new RestClient(server.url).submit();
    await new PlayedWorker(server).complete(jobId);
    const heard = 'How are you? Much better.';
    const asHypothesis = await send({ reference: `${heard} Today.`, hypothesis_transcript_id: transcriptId });
    expect(await asHypothesis.json()).toMatchObject({ deletions: 1, hypothesis_words: 5, reference_words: 6 });
    const asReference = await send({ reference_transcript_id: transcriptId, hypothesis: heard });
    expect(await asReference.json()).toMatchObject({ wer: 0, reference_words: 5 });
  });

  it('takes texts as long as a body may be', async () => {
    const words = Array.from({ length: 25_000 }, (_, n) => `w${n % 997}`).join(' ');
    const response = await send({ reference: words, hypothesis: `x ${words}` });
    expect(await response.json()).toMatchObject({ insertions: 1, reference_words: 25_000 });
  });

  it('says what is missing or too much', async () => {
    expect(await refused({ reference: 'a' })).toEqual([400, 'invalid_request', ['/hypothesis']]);
    const id = '6f2c1d0a-5b1e-4c55-9a44-0d3f0c7f9b11';
    expect(await refused({ reference: 'a', reference_transcript_id: id, hypothesis: 'b' })).toEqual([
      400,
      'invalid_request',
      ['/reference'],
    ]);
    expect(await refused({ reference: 1, hypothesis: 'b', more: true })).toEqual([
      400,
      'invalid_request',
      ['/reference', '/more'],
    ]);
    expect(await refused([])).toEqual([400, 'invalid_request', ['']]);
    expect(await refused({ reference: 'a', hypothesis_transcript_id: id })).toEqual([404, 'transcript_not_found', []]);
  });
});
