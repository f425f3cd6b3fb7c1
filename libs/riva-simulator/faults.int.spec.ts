import { scriptedSpeech } from '#engine-testkit';
import { riva } from '#protos';
import { eventually } from '#testing';
import { Status } from 'nice-grpc';
import { rivaErrors } from './riva-errors.js';
import type { RivaFault } from './riva-fault.js';
import { audioMessage, configMessage, rivaConfig, statusOf } from './testing/bare-client.js';
import { Simulators, chunksOf } from './testing/simulators.js';

const speech = scriptedSpeech([['alpha'], ['bravo'], ['charlie']]);

describe('faults', () => {
  const simulators = new Simulators();
  afterEach(() => simulators.closeAll());

  async function run(...faults: RivaFault[]) {
    const { client, simulator } = await simulators.start({ faults });
    return { client, simulator, outcome: await client.stream({ chunks: chunksOf(speech) }) };
  }

  it.each(Object.entries(rivaErrors))('ends a call with %s', async (_name, error) => {
    const { outcome, simulator } = await run({ does: { kind: 'error', error } });
    expect(outcome).toMatchObject({ responses: [], error: `${Status[error.code]}: ${error.details}` });
    expect(simulator.seen.calls[0]?.state).toBe('failed');
  });

  it.each<[string, RivaFault['when'], string[]]>([
    ['at the start', { at: 'start' }, []],
    ['after finals', { at: 'finals', count: 2 }, ['alpha ', 'bravo ']],
    ['once audio was consumed', { at: 'audio', ms: 1_000 }, ['alpha ']],
    ['before what is left is sent', { at: 'before_answer' }, ['alpha ', 'bravo ', 'charlie ']],
  ])('strikes %s', async (_title, when, transcripts) => {
    const { outcome } = await run({ ...(when && { when }), does: { kind: 'error', error: rivaErrors.inference } });
    expect(outcome.error).toBe('INTERNAL: Internal error while making inference request');
    expect(outcome.finals.map((final) => final.transcript)).toEqual(transcripts);
  });

  it('strikes only the calls it names, and only their method', async () => {
    const error = rivaErrors.socketClosed;
    const { client, outcome } = await run(
      { calls: [1], does: { kind: 'error', error } },
      { method: 'Recognize', does: { kind: 'error', error: rivaErrors.rateLimited } },
      { method: 'GetRivaSpeechRecognitionConfig', calls: [2], does: { kind: 'error', error } },
    );
    expect(outcome.error).toBe('UNAVAILABLE: Socket closed');
    await expect(client.stream({ chunks: chunksOf(speech) })).resolves.toMatchObject({ error: undefined });
    const file = await statusOf(client.asr.recognize({ config: rivaConfig(), audio: speech }));
    expect(file).toBe('RESOURCE_EXHAUSTED: Too Many Requests');
    const first = await statusOf(client.asr.getRivaSpeechRecognitionConfig({}));
    const second = await statusOf(client.asr.getRivaSpeechRecognitionConfig({}));
    expect([first, second]).toEqual(['OK', 'UNAVAILABLE: Socket closed']);
  });

  it('resets a stream after it has sent what came before', async () => {
    const { outcome, simulator } = await run({ when: { at: 'finals', count: 2 }, does: { kind: 'reset' } });
    expect(outcome.error).toMatch(/^INTERNAL: .*RST_STREAM.* 2/);
    expect(outcome.finals.map((final) => final.transcript)).toEqual(['alpha ', 'bravo ']);
    await eventually('the end of the call', () => simulator.seen.calls[0]?.state === 'failed');
    expect(simulator.seen.openStreams).toBe(0);
  });

  it('cuts the connection, and serves again on a new one', async () => {
    const { client, outcome } = await run({
      calls: [1],
      when: { at: 'finals', count: 1 },
      does: { kind: 'disconnect' },
    });
    expect(outcome.error).toMatch(/^UNAVAILABLE: /);
    const again = await client.stream({ chunks: chunksOf(speech) });
    expect(again.finals.map((final) => final.transcript)).toEqual(['alpha ', 'bravo ', 'charlie ']);
  });

  it('answers with a bare HTTP status, as a front door does', async () => {
    const { outcome, client } = await run({ calls: [1], does: { kind: 'http_status', status: 429 } });
    expect(outcome.error).toMatch(/^UNAVAILABLE: .*429/);
    await expect(statusOf(client.asr.getRivaSpeechRecognitionConfig({}))).resolves.toBe('OK');
    const file = await statusOf(client.asr.recognize({ config: rivaConfig(), audio: speech }));
    expect(file).toBe('OK');
  });

  it('strikes below gRPC in calls of one message too', async () => {
    const { client } = await simulators.start({
      faults: [
        { method: 'Recognize', when: { at: 'before_answer' }, does: { kind: 'reset', http2Code: 7 } },
        { method: 'GetRivaSpeechRecognitionConfig', does: { kind: 'http_status', status: 503 } },
      ],
    });
    const file = await statusOf(client.asr.recognize({ config: rivaConfig(), audio: speech }));
    expect(file).toBe('UNAVAILABLE: Stream refused by server');
    await expect(statusOf(client.asr.getRivaSpeechRecognitionConfig({}))).resolves.toMatch(/^UNAVAILABLE: .*503/);
  });

  it('stops reading, so that a sender runs into its back-pressure, until the call is given up', async () => {
    const { client, simulator } = await simulators.start({
      faults: [{ when: { at: 'audio', ms: 500 }, does: { kind: 'stall' } }],
    });
    const abort = new AbortController();
    let sent = 0;
    function* endless(): Generator<Buffer> {
      for (;;) {
        sent += 1;
        yield speech;
      }
    }
    const outcome = client.stream({ chunks: endless(), signal: abort.signal });
    await eventually('the server to take audio', () => simulator.seen.calls[0]?.audioMessages);
    let before = -1;
    await eventually('the sender to stop', () => {
      const stands = sent === before;
      before = sent;
      return stands;
    });
    expect(simulator.seen.calls[0]?.audioMessages).toBe(1);
    abort.abort();
    await expect(outcome).resolves.toMatchObject({ error: expect.stringContaining('abort') as string });
    await eventually('the end of the call', () => simulator.seen.calls[0]?.state === 'cancelled');
  });

  it('goes on after a stall that ends', async () => {
    const { outcome } = await run({ when: { at: 'finals', count: 1 }, does: { kind: 'stall', forMs: 50 } });
    expect(outcome).toMatchObject({ error: undefined, finals: [{}, {}, {}] });
  });

  it('ends an utterance on demand where the model can, and ignores the demand where it cannot', async () => {
    const one = scriptedSpeech([['alpha', 'bravo']]).subarray(0, -12_800);
    const force = riva.StreamingRecognizeRequest.fromPartial({ runtimeConfig: { force_eou: 'true' } });
    const messages = [configMessage(), audioMessage(one), force, audioMessage(one)];
    const models = [{ name: 'm', type: 'online', languages: ['en-US'], endsUtteranceOnDemand: true }] as const;
    const able = await simulators.start({ models });
    const first = await able.client.exchange(messages);
    expect(first.finals.map((final) => final.transcript)).toEqual(['alpha bravo ', 'alpha bravo ']);
    expect(able.simulator.seen.calls[0]?.runtimeConfigs).toEqual([{ force_eou: 'true' }]);
    const unable = await simulators.start();
    const second = await unable.client.exchange([configMessage(), audioMessage(speech), force]);
    expect(second).toMatchObject({ error: undefined, finals: [{}, {}, {}] });
  });
});
