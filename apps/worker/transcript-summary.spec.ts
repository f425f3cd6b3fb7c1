import { jobWith } from './testing/fakes.js';
import { type DoneSpan, summarize } from './transcript-summary.js';

function done(index: number, startMs: number, endMs: number, changes: Partial<DoneSpan> = {}): DoneSpan {
  return { index, startMs, endMs, engine: 'asr', instance: 'a', model: 'm', language: 'en', warnings: [], ...changes };
}

describe('summarize', () => {
  it('takes language, engine and model of the most audio', () => {
    const spans = [
      done(1, 1000, 4000, { engine: 'local', model: 'base', language: 'fr', fallbackReason: 'why' }),
      done(0, 0, 1000),
    ];
    expect(summarize(jobWith(), spans, [])).toEqual({
      language: 'fr',
      durationMs: 4000,
      engineUsed: 'local',
      model: 'base',
      fallbackReason: 'why',
      warnings: [],
    });
  });

  it('gives each warning once', () => {
    const warning = { code: 'unsupported_feature', message: 'No diarization.' };
    const spans = [done(0, 0, 1, { warnings: [warning] }), done(1, 1, 2, { warnings: [{ ...warning }] })];
    expect(summarize(jobWith(), spans, [warning]).warnings).toEqual([warning]);
  });

  it('falls back to the language asked for where engines name none', () => {
    expect(summarize(jobWith({ language: 'de' }), [done(0, 0, 1, { language: '' })], []).language).toBe('de');
  });

  it.each([
    ['en-US', 'en', '', 0],
    ['en-US', 'en-GB', 'en', 1],
    ['pt', undefined, 'pt-BR', 0],
    ['pt', undefined, 'es', 1],
    ['pt', undefined, '', 0],
    [undefined, 'de', 'de', 0],
  ])('holds a context for %s against a request for %s and speech in %s', (meant, asked, spoken, count) => {
    const context = { id: 'c', phrases: [], ...(meant === undefined ? {} : { language: meant }) };
    const job = jobWith({ context, language: asked ?? 'en' });
    if (asked === undefined) Reflect.deleteProperty(job.options, 'language');
    const { warnings } = summarize(job, [done(0, 0, 1, { language: spoken })], []);
    expect(warnings.map(({ code }) => code)).toEqual(Array.from({ length: count }, () => 'context_language'));
  });
});
