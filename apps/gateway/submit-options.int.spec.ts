import { randomUUID } from 'node:crypto';
import { createGrpcChannel, createGrpcClient } from '#grpc';
import { jobV1 } from '#protos';
import { instanceOf } from '../../libs/routing/testing.js';
import { acceptedSchema, problemSchema } from './openapi/response-schemas.js';
import { type GatewayUnderTest, startGatewayUnderTest } from './testing/gateway-under-test.js';
import { silentWav } from './testing/sounds.js';

const route = '/api/transcribe/jobs/transcribe';

const able = {
  diarization: true,
  punctuationControl: true,
  profanityFilter: true,
  verbatim: true,
  phraseBoosting: true,
  options: [
    { name: 'stop_history', description: 'Window in ms.', type: 'integer', max: 60_000 },
    { name: 'custom.*', description: 'Passed on.', type: 'text' },
  ],
} as const;

describe('the options of a submission', () => {
  let server: GatewayUnderTest;
  const wav = silentWav(1);

  beforeAll(async () => {
    server = await startGatewayUnderTest([instanceOf('asr', { capabilities: able }), instanceOf('local')]);
  });
  afterAll(() => server.stop());

  function submit(fields: Readonly<Record<string, string>>): Promise<Response> {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append('file', new Blob([new Uint8Array(wav)]), 'talk.wav');
    return fetch(server.url + route, { method: 'POST', body: form });
  }

  async function optionsOf(fields: Readonly<Record<string, string>>) {
    const { job_id: jobId } = acceptedSchema.parse(await (await submit(fields)).json());
    return (await server.jobs.find(jobId))?.options;
  }

  async function refusalOf(fields: Readonly<Record<string, string>>) {
    const { code, errors } = problemSchema.parse(await (await submit(fields)).json());
    return { code, pointers: (errors ?? []).map(({ pointer }) => pointer) };
  }

  it('keeps how the text is to be written and what each engine is to be told', async () => {
    const engineOptions = { asr: { stop_history: '800', 'custom.vad': 'x' }, whisperx: { beam_size: '5' } };
    const options = await optionsOf({
      punctuation: 'false',
      profanity_filter: '1',
      verbatim: 'true',
      engine_options: JSON.stringify(engineOptions),
      speaker_roles: 'support',
      result_file: 'vtt',
    });
    expect(options).toMatchObject({
      punctuation: false,
      profanityFilter: true,
      verbatim: true,
      engineOptions,
      speakerRoles: 'support',
      resultFile: 'vtt',
      enableDiarization: true,
    });
  });

  it('leaves out what was not said', async () => {
    const options = await optionsOf({ punctuation: '', engine_options: '', speaker_roles: 'none', result_file: '' });
    expect(options).toMatchObject({ speakerRoles: 'none', enableDiarization: false });
    expect(Object.keys(options ?? {})).not.toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^(punctuation|profanityFilter|verbatim|engineOptions|context|resultFile)$/),
      ]),
    );
  });

  it.each<[string, Record<string, string>, string, string]>([
    ['no flag', { verbatim: 'maybe' }, 'invalid_request', '/verbatim'],
    ['a role set that there is not', { speaker_roles: 'courtroom' }, 'invalid_request', '/speaker_roles'],
    [
      'roles without speakers',
      { speaker_roles: 'clinical', enable_diarization: 'false' },
      'invalid_request',
      '/enable_diarization',
    ],
    ['a file that is no format', { result_file: 'docx' }, 'invalid_request', '/result_file'],
    ['broken JSON', { engine_options: '{"asr":' }, 'invalid_request', '/engine_options'],
    ['a list', { engine_options: '[]' }, 'invalid_request', '/engine_options'],
    ['options of an unknown engine', { engine_options: '{"dragon":{}}' }, 'invalid_request', '/engine_options/dragon'],
    ['options that are no texts', { engine_options: '{"asr":{"a":1}}' }, 'invalid_request', '/engine_options/asr/a'],
    ['an odd key', { engine_options: '{"asr":{"__proto__":"x"}}' }, 'invalid_request', '/engine_options/asr'],
    [
      'a key that is too long',
      { engine_options: `{"asr":{"${'k'.repeat(65)}":"x"}}` },
      'invalid_request',
      '/engine_options/asr',
    ],
    [
      'a value that is too long',
      { engine_options: `{"asr":{"a":"${'x'.repeat(1_001)}"}}` },
      'invalid_request',
      '/engine_options/asr/a',
    ],
    [
      'too many options',
      {
        engine_options: JSON.stringify({
          asr: Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`k${n}`, ''])),
        }),
      },
      'invalid_request',
      '/engine_options/asr',
    ],
    ['a context id that is none', { context_id: 'mine' }, 'invalid_request', '/context_id'],
    ['a context that there is not', { context_id: randomUUID() }, 'context_not_found', '/context_id'],
    [
      'punctuation left out by an engine that cannot',
      { engine: 'local', punctuation: '0' },
      'unsupported_feature',
      '/punctuation',
    ],
    [
      'a filter at an engine without',
      { engine: 'local', profanity_filter: '1' },
      'unsupported_feature',
      '/profanity_filter',
    ],
    ['verbatim text of an engine that cannot', { engine: 'local', verbatim: '1' }, 'unsupported_feature', '/verbatim'],
  ])('refuses %s', async (_what, fields, code, pointer) => {
    expect(await refusalOf(fields)).toEqual({ code, pointers: [pointer] });
    expect(await server.storedFiles()).toHaveLength(await server.countRows());
  });

  it.each([
    ['an option that no instance knows', { asr: { stop_histori: '800' } }, 'unsupported_feature', 'asr/stop_histori'],
    ['a value that no instance takes', { asr: { stop_history: 'long' } }, 'invalid_request', 'asr/stop_history'],
    ['an option of an engine that takes none', { local: { beam: '5' } }, 'unsupported_feature', 'local/beam'],
  ])('refuses %s before the file is read, and points at it', async (_title, options, code, pointer) => {
    const refused = await refusalOf({ engine: 'auto', engine_options: JSON.stringify(options) });
    expect(refused).toEqual({ code, pointers: [`/engine_options/${pointer}`] });
    expect(await server.storedFiles()).toHaveLength(await server.countRows());
  });

  it('accepts options for an engine that may not serve, whatever they are, and in whatever order they come', async () => {
    const engineOptions = JSON.stringify({ asr: { stop_histori: '800' } });
    expect((await submit({ engine_options: engineOptions, engine: 'local' })).status).toBe(202);
    expect((await submit({ engine: 'local', engine_options: engineOptions })).status).toBe(202);
  });

  it('accepts from an engine what it cannot do where a warning is enough', async () => {
    const response = await submit({ engine: 'local', verbatim: '1', on_unsupported: 'warn' });
    expect(response.status).toBe(202);
  });

  it('takes the same options over gRPC', async () => {
    const channel = createGrpcChannel(server.grpcAddress);
    try {
      const contexts = createGrpcClient(jobV1.ContextServiceDefinition, channel, { unaryDeadlineMs: 10_000 });
      const content = { name: 'x', language: 'de', terms: [{ phrase: 'Straße', boost: 1.5 }] };
      const { context } = await contexts.createContext({ content });
      const contextId = context?.contextId ?? '';
      const value = {
        punctuation: false,
        profanityFilter: true,
        verbatim: true,
        engineOptions: { asr: { 'custom.a': 'b' } },
        speakerRoles: 'interview',
      };
      const client = createGrpcClient(jobV1.JobServiceDefinition, channel, { unaryDeadlineMs: 10_000 });
      const { job } = await client.submit(
        (async function* messages() {
          yield { payload: { $case: 'options' as const, value: { ...value, contextId } } };
          yield { payload: { $case: 'content' as const, value: await Promise.resolve(wav) } };
        })(),
      );
      expect((await server.jobs.find(job?.jobId ?? ''))?.options).toMatchObject({
        ...value,
        context: { id: contextId, language: 'de', phrases: content.terms },
      });
    } finally {
      channel.close();
    }
  });
});
