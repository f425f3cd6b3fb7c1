import { withSpeakerRoles } from './speaker-roles.js';
import { jobWith } from './testing/fakes.js';
import type { TranscriptSummary } from './transcript-summary.js';

const lease = { jobId: 'j', token: 't', workerId: 'w', attempt: 1 };
const summary: TranscriptSummary = { language: 'en', durationMs: 1, engineUsed: 'asr', model: 'm', warnings: [] };
const speech = [
  { speakerTag: 0, text: "I've been having headaches, doctor, and I can't sleep." },
  { speakerTag: 1, text: 'How long have you had them? Are you taking any medication? Let me check your eyes.' },
];

describe('withSpeakerRoles', () => {
  let reads = 0;
  const leases = {
    speech: () => {
      reads += 1;
      return Promise.resolve(speech);
    },
  };
  beforeEach(() => {
    reads = 0;
  });

  it('takes provider and patient where nothing else was asked for', async () => {
    const finished = await withSpeakerRoles(summary, jobWith({ enableDiarization: true }), lease, leases);
    expect(finished).toEqual({ ...summary, speakerRoles: { 0: 'patient', 1: 'provider' } });
  });

  it('gives no roles where none are wanted or there are no speakers', async () => {
    const unwanted = jobWith({ enableDiarization: true, speakerRoles: 'none' });
    expect(await withSpeakerRoles(summary, unwanted, lease, leases)).toBe(summary);
    expect(await withSpeakerRoles(summary, jobWith(), lease, leases)).toBe(summary);
    expect(reads).toBe(0);
  });

  it('warns who asked for roles in a language without cues', async () => {
    const german = { ...summary, language: 'de' };
    const asked = jobWith({ enableDiarization: true, speakerRoles: 'support' });
    expect((await withSpeakerRoles(german, asked, lease, leases)).warnings).toMatchObject([{ code: 'speaker_roles' }]);
    expect(await withSpeakerRoles(german, jobWith({ enableDiarization: true }), lease, leases)).toBe(german);
  });
});
