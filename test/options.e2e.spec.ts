import { ScriptedEngine, scriptedSpeech, wavFile } from '#engine-testkit';
import { eventually } from '#testing';
import { TestMesh } from './support/mesh.js';

/** What a request asks for, all the way from the client to the engine and back. */
describe('the options of a job in a mesh', () => {
  let mesh: TestMesh;
  let http: string;
  const engine = new ScriptedEngine({
    engine: 'asr',
    phrasebook: {
      alpha: 'Good morning. What brings you in today?',
      bravo: 'Are you taking any medication? Let me check your blood pressure.',
      india: "Hello doctor. I've been having headaches and I can't sleep.",
      juliett: 'I took some aspirin. Is it serious?',
    },
  });
  // The patient is heard first.
  const visit = wavFile(scriptedSpeech([['india'], ['alpha'], ['juliett'], ['bravo']]));

  beforeAll(async () => {
    mesh = await TestMesh.start();
    await mesh.host(engine);
    await mesh.work();
    http = await mesh.serve();
  }, 60_000);
  afterAll(() => mesh.stop());

  async function json<T>(path: string, init: RequestInit = {}): Promise<T> {
    const response = await fetch(http + path, init);
    if (!response.ok) throw new Error(`${path} was answered with ${String(response.status)}.`);
    return (await response.json()) as T;
  }

  it('reach the engine, and speaker roles the result and its downloads', async () => {
    const terms = [{ phrase: 'amoxicillin', boost: 4.5 }, { phrase: 'Müller' }];
    const context = await json<{ id: string }>('/api/contexts', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'Practice', language: 'de', terms }),
    });
    const form = new FormData();
    const fields = {
      language: 'en',
      context_id: context.id,
      speaker_roles: 'clinical',
      max_speakers: '2',
      punctuation: 'false',
      profanity_filter: 'true',
      verbatim: 'true',
      engine_options: JSON.stringify({ asr: { stop_history: '800' }, whisperx: { beam_size: '5' } }),
    };
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append('file', new Blob([new Uint8Array(visit)]), 'visit.wav');
    const job = await json<{ job_id: string; transcript_id: string }>('/api/transcribe/jobs/transcribe', {
      method: 'POST',
      body: form,
    });
    await eventually(
      'the end of the job',
      async () => (await json<{ status: string }>(`/api/transcribe/jobs/status/${job.job_id}`)).status === 'completed',
      60_000,
    );

    expect(engine.calls.map(({ request }) => request)).toMatchObject([
      {
        phrases: terms,
        diarization: { maxSpeakers: 2 },
        punctuation: false,
        profanityFilter: true,
        verbatim: true,
        engineOptions: { stop_history: '800' },
      },
    ]);
    const result = await json(`/api/transcribe/jobs/result/${job.job_id}`);
    expect(result).toMatchObject({
      speaker_roles: { '0': 'patient', '1': 'provider' },
      segments: [{ speaker_tag: 0 }, { speaker_tag: 1 }, { speaker_tag: 0 }, { speaker_tag: 1 }],
      warnings: [{ code: 'context_language' }],
    });
    const download = `/api/transcripts/${job.transcript_id}/download`;
    expect(await json(`${download}?format=json`)).toMatchObject({ speaker_roles: { '0': 'patient', '1': 'provider' } });
    const text = await (await fetch(`${http}${download}?speakers=roles`)).text();
    expect(text.split('\n\n').map((paragraph) => paragraph.split(':')[0])).toEqual([
      'Patient',
      'Provider',
      'Patient',
      'Provider',
    ]);
  }, 120_000);
});
