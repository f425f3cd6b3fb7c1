import { scriptedSpeech, wavFile } from '#engine-testkit';
import { riva } from '#protos';
import type { RivaScript } from './riva-script.js';
import type { RivaSimulator } from './riva-simulator.js';
import type { BareClient, StreamCall, StreamOutcome } from './testing/bare-client.js';
import { Simulators, chunksOf } from './testing/simulators.js';

const speech = scriptedSpeech([['alpha', 'bravo', 'papa'], ['kilo', 'delta'], ['echo']]);

describe('streaming', () => {
  const simulators = new Simulators();
  let simulator: RivaSimulator;
  let client: BareClient;

  async function run(script: RivaScript, call: Partial<StreamCall> = {}): Promise<StreamOutcome> {
    ({ simulator, client } = await simulators.start(script));
    return client.stream({ chunks: chunksOf(speech), ...call });
  }

  afterEach(() => simulators.closeAll());

  it('sends one final per utterance, with a trailing space, and closes with OK', async () => {
    const { finals, interims, error } = await run({});
    expect(error).toBeUndefined();
    expect(finals.map((final) => final.transcript)).toEqual(['alpha bravo papa ', 'kilo delta ', 'echo ']);
    expect(interims).toEqual([]);
  });

  it('sends a leading space before every segment but the first, as other releases do', async () => {
    const { finals } = await run({ speech: { spacing: 'leading' } });
    expect(finals.map((final) => final.transcript)).toEqual(['alpha bravo papa', ' kilo delta', ' echo']);
  });

  it.each([641, 3_200, 1_000_000])('says the same for chunks of %d bytes', async (bytes) => {
    const { finals, responses } = await run({}, { chunks: chunksOf(speech, bytes) });
    expect(finals.map((final) => final.transcript).join('')).toBe('alpha bravo papa kilo delta echo ');
    const processed = responses.map((response) => response.results[0]?.audioProcessed.toFixed(1));
    expect(processed).toEqual(['1.6', '2.7', '3.4']);
  });

  it('takes a WAV file with encoding 0 and with LINEAR_PCM', async () => {
    const wav = wavFile(speech);
    const { finals } = await run({}, { chunks: chunksOf(wav) });
    const splitHeader = [wav.subarray(0, 7), wav.subarray(7, 40), wav.subarray(40)];
    const unspecified = { encoding: riva.AudioEncoding.ENCODING_UNSPECIFIED, sampleRateHertz: 0 };
    const other = await client.stream({ chunks: splitHeader, config: unspecified });
    expect([finals.length, other.finals]).toEqual([3, finals]);
  });

  it('gives words in milliseconds in finals only, where asked', async () => {
    const asked = await run({}, { interims: true, config: { enableWordTimeOffsets: true } });
    const words = asked.finals[0]?.words.map(({ word, startTime, endTime }) => [word, startTime, endTime]);
    expect(words).toEqual([
      ['alpha', 400, 700],
      ['bravo', 760, 1060],
      ['papa', 1120, 1420],
    ]);
    expect(asked.interims.flatMap((interim) => interim.alternatives[0]?.words)).toEqual([]);
    const unasked = await client.stream({ chunks: chunksOf(speech) });
    expect(unasked.finals.flatMap((final) => final.words)).toEqual([]);
  });

  it('sends cumulative interims of the current utterance, which begin anew after each final', async () => {
    const { interims } = await run({}, { interims: true });
    expect(textsOf(interims)).toEqual(['alpha ', 'alpha bravo ', 'alpha bravo papa ', 'kilo ', 'kilo delta ', 'echo ']);
    expect(interims.every(({ stability }) => stability > 0 && stability < 1)).toBe(true);
  });

  it('splits an interim into a stable head and an unstable tail', async () => {
    const { responses } = await run({ stream: { interims: 'head_and_tail' } }, { interims: true });
    const parts = responses[1]?.results.map(({ alternatives: [best] }) => best?.transcript);
    expect(parts).toEqual(['alpha ', 'bravo ']);
    const [head, tail] = responses[1]?.results ?? [];
    expect((head?.stability ?? 0) > (tail?.stability ?? 0)).toBe(true);
  });

  it('announces a final by an interim with stability 1', async () => {
    const { responses } = await run({ stream: { announcesFinals: true } }, { interims: true });
    const results = responses.map((response) => response.results[0]);
    const announced = results.findIndex((result) => result?.stability === 1);
    expect(results[announced]?.isFinal).toBe(false);
    expect(results[announced + 1]?.isFinal).toBe(true);
    expect(results[announced + 1]?.alternatives[0]?.transcript).toBe(results[announced]?.alternatives[0]?.transcript);
  });

  it.each(['no_results', 'no_alternatives'] as const)('sends responses with %s beside the real ones', async (kind) => {
    const { responses, finals } = await run({ stream: { heartbeats: kind } });
    const empty = responses.filter(({ results }) => results.every(({ alternatives }) => alternatives.length === 0));
    expect(empty.length).toBeGreaterThan(30);
    expect(empty[0]?.results).toHaveLength(kind === 'no_results' ? 0 : 1);
    expect(finals).toHaveLength(3);
  });

  it('leaves the last utterance interim', async () => {
    const { finals, interims } = await run({ stream: { finals: 'all_but_last' } }, { interims: true });
    expect(finals.map((final) => final.transcript)).toEqual(['alpha bravo papa ', 'kilo delta ']);
    expect(textsOf(interims).at(-1)).toBe('echo ');
  });

  it('never sends a final, but interims of all that was said', async () => {
    const { finals, interims, error } = await run({ stream: { finals: 'never' } }, { interims: true });
    expect([finals, error]).toEqual([[], undefined]);
    expect(textsOf(interims).at(-1)).toBe('alpha bravo papa kilo delta echo ');
  });

  it('is ahead of the text with audio_processed where it consumes in long steps', async () => {
    const { responses } = await run({ stream: { stepMs: 3_000 } });
    expect(responses.map((response) => response.results[0]?.audioProcessed)).toEqual([3, 3, expect.closeTo(3.58)]);
  });

  it('tells voices apart by tags that begin at 1, at 0 or anywhere', async () => {
    const config = {
      enableWordTimeOffsets: true,
      diarizationConfig: { enableSpeakerDiarization: true, maxSpeakerCount: 2 },
    };
    const tags = ({ finals }: StreamOutcome) => finals.map((final) => final.words.map((word) => word.speakerTag));
    expect(tags(await run({}, { config }))).toEqual([[1, 1, 2], [2, 1], [1]]);
    expect(tags(await run({ speech: { speakerTags: [0, 3], untaggedEvery: 5 } }, { config }))).toEqual([
      [0, 0, 3],
      [3, 0],
      [0],
    ]);
    expect(tags(await client.stream({ chunks: chunksOf(speech) }))).toEqual([[], [], []]);
  });

  it('has negative scores where told to, for texts and words', async () => {
    const script = { speech: { confidence: -1.5, wordConfidence: -0.25 } };
    const { finals } = await run(script, { config: { enableWordTimeOffsets: true } });
    expect(finals[0]).toMatchObject({ confidence: -1.5, words: [{ confidence: -0.25 }, {}, {}] });
  });

  it('shows its voice detection where the request asks for it', async () => {
    const { responses } = await run({}, { config: { customConfiguration: { get_vad_probabilities: 'true' } } });
    expect(responses[0]?.results[0]?.pipelineStates?.vadProbabilities).toHaveLength(1);
    const unasked = await client.stream({ chunks: chunksOf(speech) });
    expect(unasked.responses[0]?.results[0]?.pipelineStates).toBeUndefined();
  });

  it('punctuates, masks and rewrites as the request asks', async () => {
    const script: RivaScript = { speech: { profanities: ['bravo'], rewrites: { kilo: '1000' } } };
    const asked = { enableAutomaticPunctuation: true, profanityFilter: true, enableWordTimeOffsets: true };
    const { finals } = await run(script, { config: asked });
    expect(finals.map((final) => final.transcript)).toEqual(['Alpha b**** papa. ', '1000 delta. ', 'Echo. ']);
    expect(finals[0]?.words[0]?.word).toBe('alpha');
    const verbatim = await client.stream({ chunks: chunksOf(speech), config: { verbatimTranscripts: true } });
    expect(verbatim.finals[1]?.transcript).toBe('kilo delta ');
  });

  it('says nothing about silence, or says it with an empty text', async () => {
    const chunks = chunksOf(Buffer.alloc(32_000));
    expect((await run({}, { chunks })).responses).toEqual([]);
    const { finals } = await run({ speech: { silence: 'empty_result' } }, { chunks });
    expect(finals.map((final) => final.transcript)).toEqual(['']);
  });

  it('sends the id of the request back with every response, if there is one', async () => {
    const { responses } = await run({}, { id: 'mine' });
    expect(responses.map((response) => response.id?.value)).toEqual(['mine', 'mine', 'mine']);
    expect((await client.stream({ chunks: chunksOf(speech) })).responses[0]?.id).toBeUndefined();
  });

  it('records what it saw', async () => {
    await run({}, { interims: true, config: { speechContexts: [{ phrases: ['kilo'], boost: 20 }] } });
    expect(simulator.seen.of('StreamingRecognize')).toEqual([
      expect.objectContaining({
        number: 1,
        state: 'done',
        interimResults: true,
        audioBytes: speech.length,
        largestAudioMessage: 3_200,
        words: ['alpha', 'bravo', 'papa', 'kilo', 'delta', 'echo'],
        finals: 3,
        interims: 6,
      }),
    ]);
    expect(simulator.seen.calls[0]?.config?.speechContexts).toEqual([{ phrases: ['kilo'], boost: 20 }]);
    expect(simulator.seen).toMatchObject({ openStreams: 0, mostOpenStreams: 1 });
  });
});

function textsOf(results: readonly riva.StreamingRecognitionResult[]): (string | undefined)[] {
  return results.map((result) => result.alternatives[0]?.transcript);
}
