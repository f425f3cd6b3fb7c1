import { jobOptionsSchema } from './job-options.schema.js';
import { isPlainJson } from './plain-json.js';

describe('jobOptionsSchema', () => {
  it('reads what forms send', () => {
    const form = { enable_diarization: 'TRUE', max_speakers: '4', tags: 'a, b,,c', language: 'PT-br', title: '' };
    expect(jobOptionsSchema.parse(form)).toEqual({
      enable_diarization: true,
      max_speakers: 4,
      tags: ['a', 'b', 'c'],
      language: 'pt-BR',
    });
  });

  it.each([
    { priority: '1e1' },
    { priority: 1.5 },
    { word_timestamps: 'yes' },
    { tags: '["a",1]' },
    { tags: Array.from({ length: 33 }, () => 'a') },
    { metadata: '{"a":' },
    { metadata: { a: 'x'.repeat(20_000) } },
    { session_id: 'mine' },
    { enable_diarization: 'false', min_speakers: '2' },
    { title: 'x'.repeat(301) },
    { url: 'http://127.0.0.1/' },
  ])('refuses %j', (form) => {
    expect(jobOptionsSchema.safeParse(form).success).toBe(false);
  });
});

describe('isPlainJson', () => {
  it('takes objects up to a depth that nobody reaches by accident', () => {
    const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });
    expect([isPlainJson(nested(16)), isPlainJson(nested(17)), isPlainJson([1]), isPlainJson(null)]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});
