import { type ScriptedWord, scriptedSpeech, wavFile } from '#engine-testkit';
import { type RivaScript, RivaSimulatorProcess } from '#riva-simulator';
import { eventually, freePort } from '#testing';
import { type ResultBody, watchToEnd } from './support/api.js';
import { MeshProcess, temporaryDataDir } from './support/mesh-process.js';

/** What the words of the scripted speech stand for: the first eight are one voice, the others another. */
const dialogue: Readonly<Partial<Record<ScriptedWord, string>>> = {
  alpha: 'what brings you to the clinic today',
  bravo: 'does your chest hurt when you breathe',
  charlie: 'i will prescribe amoxicillin take it twice a day',
  delta: 'your blood pressure is normal',
  india: 'i have had a bad cough for two weeks doctor',
  juliett: 'i feel tired and my chest hurts at night',
  kilo: 'thank you doctor',
};
const turns: readonly (readonly ScriptedWord[])[] = [
  ['alpha'],
  ['india'],
  ['bravo'],
  ['juliett'],
  ['delta', 'charlie'],
  ['kilo'],
];
const pcm = scriptedSpeech(turns);
const script: RivaScript = { speech: { rewrites: dialogue, speakerTags: [2, 1], confidence: -2.4 } };

interface EnginesBody {
  readonly engines: { readonly asr: { readonly available: boolean; readonly reason?: string; readonly uri: string } };
}

describe('a job for Riva on the whole mesh', () => {
  let data: Awaited<ReturnType<typeof temporaryDataDir>>;
  let riva: RivaSimulatorProcess;
  let mesh: MeshProcess;

  beforeAll(async () => {
    data = await temporaryDataDir();
    riva = await RivaSimulatorProcess.start(script, { port: await freePort() });
    mesh = await MeshProcess.start(data.path, { RIVA_URI: riva.address });
  }, 300_000);

  afterAll(async () => {
    await mesh.stop();
    await riva.kill();
    await data.remove();
  }, 300_000);

  async function submitted(audio: Buffer, fields: Record<string, string>): Promise<string> {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append('file', new Blob([new Uint8Array(audio)]), 'visit.wav');
    const url = `${mesh.http}/api/transcribe/jobs/transcribe/asr`;
    const answer = await fetch(url, { method: 'POST', body: form });
    expect([answer.status, answer.status === 202 ? '' : await answer.text()]).toEqual([202, '']);
    return ((await answer.json()) as { job_id: string }).job_id;
  }

  async function resultOf(jobId: string): Promise<ResultBody & Record<string, unknown>> {
    const messages = await watchToEnd(mesh.http, jobId);
    expect(messages.at(-1)).toMatchObject({ type: 'completed' });
    const answer = await fetch(`${mesh.http}/api/transcribe/jobs/result/${jobId}`);
    return (await answer.json()) as ResultBody & Record<string, unknown>;
  }

  async function asr(): Promise<EnginesBody['engines']['asr']> {
    return ((await (await fetch(`${mesh.http}/api/transcribe/jobs/engines`)).json()) as EnginesBody).engines.asr;
  }

  it('gives words, speakers and their roles, and asks Riva for what the client asked for', async () => {
    await eventually('Riva to be available', async () => (await asr()).available);
    const terms = [{ phrase: 'amoxicillin', boost: 30 }, { phrase: 'blood pressure' }];
    const context = await fetch(`${mesh.http}/api/contexts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'clinic', language: 'en', terms }),
    });
    const { id } = (await context.json()) as { id: string };
    const jobId = await submitted(wavFile(pcm), {
      context_id: id,
      language: 'en-US',
      enable_diarization: 'true',
      max_speakers: '2',
      word_timestamps: 'true',
      profanity_filter: 'true',
      engine_options: JSON.stringify({ asr: { stop_history: '560', 'custom.enable_vad_endpointing': 'true' } }),
    });

    const body = await resultOf(jobId);
    expect(body).toMatchObject({
      status: 'completed',
      engine: 'asr',
      engine_used: 'asr',
      language: 'en-US',
      model: 'parakeet-1.1b-en-US-asr-streaming-silero-vad-sortformer',
      speaker_roles: { 0: 'provider', 1: 'patient' },
      warnings: [],
    });
    expect(body.segments.map((segment) => segment.text)).toEqual([
      'What brings you to the clinic today.',
      'I have had a bad cough for two weeks doctor.',
      'Does your chest hurt when you breathe.',
      'I feel tired and my chest hurts at night.',
      'Your blood pressure is normal i will prescribe amoxicillin take it twice a day.',
      'Thank you doctor.',
    ]);
    expect(body.segments.map((segment) => (segment as { speaker_tag?: number }).speaker_tag)).toEqual([
      0, 1, 0, 1, 0, 1,
    ]);
    // 0.4 s of silence before each turn, 0.3 s for each word.
    expect(body.segments[0]).toMatchObject({ start: 0.4, end: 0.7, words: [{ start: 0.4, end: 0.7, speaker_tag: 0 }] });
    expect(JSON.stringify(body.segments)).not.toContain('confidence');

    const { calls } = await riva.seen();
    const [stream, ...more] = calls.filter(({ method }) => method === 'StreamingRecognize');
    expect(more).toEqual([]);
    expect(stream).toMatchObject({ state: 'done', interimResults: true, audioBytes: pcm.length });
    expect(stream?.config).toEqual({
      encoding: 1,
      sampleRateHertz: 16_000,
      languageCode: 'en-US',
      maxAlternatives: 1,
      profanityFilter: true,
      speechContexts: [
        { phrases: ['amoxicillin'], boost: 30 },
        { phrases: ['blood pressure'], boost: 4 },
      ],
      audioChannelCount: 1,
      enableWordTimeOffsets: true,
      enableAutomaticPunctuation: true,
      enableSeparateRecognitionPerChannel: false,
      model: 'parakeet-1.1b-en-US-asr-streaming-silero-vad-sortformer',
      verbatimTranscripts: false,
      diarizationConfig: { enableSpeakerDiarization: true, maxSpeakerCount: 2 },
      customConfiguration: { enable_vad_endpointing: 'true' },
      endpointingConfig: { stopHistory: 560 },
    });
  }, 300_000);

  it('transcribes each channel of a call in a stream of its own', async () => {
    const before = (await riva.seen()).calls.length;
    const other = scriptedSpeech([['kilo'], ['india', 'juliett']]);
    const jobId = await submitted(stereo(pcm, other), { language: 'en', separate_channels: 'true' });
    const { segments } = await resultOf(jobId);
    const ofChannel = (channel: number) => segments.filter((segment) => segment.channel === channel);
    expect(ofChannel(0)).toHaveLength(turns.length);
    expect(ofChannel(1).map(({ text }) => text.split(' ')[0])).toEqual(['Thank', 'I']);
    const starts = segments.map(({ start }) => start);
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
    const streams = (await riva.seen()).calls.slice(before).filter(({ method }) => method === 'StreamingRecognize');
    expect(streams).toHaveLength(2);
  }, 300_000);

  it('is told why Riva is away, and finds it again within ten seconds of its return', async () => {
    const { port } = riva;
    await riva.kill();
    const away = await eventually('Riva to be away', async () => {
      const body = await asr();
      return body.available ? undefined : body;
    });
    expect(away.reason).toContain(`127.0.0.1:${port} cannot be reached`);
    expect(away.uri).toBe(`127.0.0.1:${port}`);
    riva = await RivaSimulatorProcess.start(script, { port });
    await eventually('Riva to be back', async () => (await asr()).available, 10_000);
  }, 300_000);

  it('completes a job in whose middle Riva is killed and started again', async () => {
    const { port } = riva;
    await riva.kill();
    const dying = {
      ...script,
      faults: [{ calls: [1], when: { at: 'finals', count: 20 }, does: { kind: 'die' } }],
    } as const;
    riva = await RivaSimulatorProcess.start(dying, { port });
    await eventually('Riva to be back', async () => (await asr()).available);
    const long = Buffer.concat(Array.from({ length: 20 }, () => pcm));
    const jobId = await submitted(wavFile(long), { language: 'en', allow_fallback: 'false' });
    await riva.exited;
    riva = await RivaSimulatorProcess.start(script, { port });
    const { segments } = await resultOf(jobId);
    const texts = segments.map(({ text }) => text.toLowerCase().replace('.', ''));
    const expected = turns.map((words) => words.map((word) => dialogue[word]).join(' '));
    expect(texts).toEqual(Array.from({ length: 20 }, () => expected).flat());
    const starts = segments.map(({ start }) => start);
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
    expect(starts.at(-1)).toBeGreaterThan((long.length / 32_000) * 0.9);
  }, 300_000);
});

/** Two channels as one WAV file; the shorter one ends in silence. */
function stereo(left: Buffer, right: Buffer): Buffer {
  const both = Buffer.alloc(2 * Math.max(left.length, right.length));
  for (let at = 0; at < left.length; at += 2) left.copy(both, 2 * at, at, at + 2);
  for (let at = 0; at < right.length; at += 2) right.copy(both, 2 * at + 2, at, at + 2);
  const file = wavFile(both);
  file.writeUInt16LE(2, 22);
  file.writeUInt32LE(64_000, 28);
  file.writeUInt16LE(4, 32);
  return file;
}
