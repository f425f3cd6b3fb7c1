import { type EngineCapabilities, type EngineRequest, PolyscribeError } from '#contracts';
import { admitRequest } from './admit-request.js';

const bare: EngineCapabilities = {
  languages: ['en'],
  models: ['big', 'small'],
  defaultModel: 'big',
  languageDetection: false,
  wordTimestamps: false,
  diarization: false,
  phraseBoosting: false,
  partialResults: false,
  translation: false,
  confidence: false,
  punctuationControl: false,
  profanityFilter: false,
  verbatim: false,
  maxAudioMs: undefined,
  maxConcurrency: 1,
};

const unnamed: EngineRequest = {
  requestId: 'r',
  task: 'transcribe',
  wordTimestamps: false,
  phrases: [],
  profile: 'balanced',
  engineOptions: {},
  partialResults: false,
  onUnsupported: 'refuse',
};
const plain: EngineRequest = { ...unnamed, language: 'en-GB' };

function codeFor(wishes: Partial<EngineRequest>, capabilities: Partial<EngineCapabilities> = {}): string {
  try {
    admitRequest({ ...plain, ...wishes }, { ...bare, ...capabilities });
    return 'admitted';
  } catch (error) {
    return error instanceof PolyscribeError ? error.code : String(error);
  }
}

const beam = { name: 'beam', description: 'Width of the search.', type: 'integer', min: 1, max: 20 } as const;

describe('admitRequest', () => {
  it.each<[string, Partial<EngineRequest>, string]>([
    ['a region of a declared language', { language: 'en-US' }, 'admitted'],
    ['another language', { language: 'de' }, 'unsupported_language'],
    ['a declared model', { model: 'small' }, 'admitted'],
    ['another model', { model: 'huge' }, 'model_not_found'],
    ['words', { wordTimestamps: true }, 'unsupported_feature'],
    ['speakers', { diarization: {} }, 'unsupported_feature'],
    ['translation', { task: 'translate' }, 'unsupported_feature'],
    ['partial results', { partialResults: true }, 'unsupported_feature'],
    ['text without punctuation', { punctuation: false }, 'unsupported_feature'],
    ['punctuation, which all engines give', { punctuation: true }, 'admitted'],
    ['masked swear words', { profanityFilter: true }, 'unsupported_feature'],
    ['swear words as they are', { profanityFilter: false }, 'admitted'],
    ['verbatim text', { verbatim: true }, 'unsupported_feature'],
    ['an option that it does not know', { engineOptions: { beam: '5' } }, 'unsupported_feature'],
    ['phrases, which are hints', { phrases: [{ phrase: 'a' }] }, 'admitted'],
  ])('judges a request for %s', (_what, wishes, expected) => {
    expect(codeFor(wishes)).toBe(expected);
  });

  it('needs no detection where there is one language, and does where there are more', () => {
    expect(admitRequest(unnamed, bare).warnings).toEqual([]);
    expect(() => admitRequest(unnamed, { ...bare, languages: ['en', 'de'] })).toThrow('cannot detect');
    expect(() => admitRequest(unnamed, { ...bare, languages: ['*'], languageDetection: true })).not.toThrow();
  });

  it('warns of each feature and leaves it out, where the request says warn', () => {
    const wishes = { wordTimestamps: true, diarization: {}, partialResults: true, phrases: [{ phrase: 'a' }] };
    const style = { punctuation: false, profanityFilter: true, verbatim: true, engineOptions: { beam: '5' } };
    const asked: EngineRequest = { ...plain, ...wishes, ...style, task: 'translate', onUnsupported: 'warn' };
    const { request, warnings, model } = admitRequest(asked, bare);
    expect(warnings).toHaveLength(9);
    expect(new Set(warnings.map((warning) => warning.code))).toEqual(new Set(['unsupported_feature']));
    expect(request).toEqual({ ...plain, onUnsupported: 'warn' });
    expect(model).toBe('big');
  });

  it('leaves a request that the engine can serve as it is', () => {
    const all = { ...bare, wordTimestamps: true, diarization: true, phraseBoosting: true, translation: true };
    const asked: EngineRequest = { ...plain, wordTimestamps: true, diarization: { minSpeakers: 2 }, task: 'translate' };
    expect(admitRequest(asked, all)).toEqual({ request: asked, model: 'big', warnings: [] });
  });

  it('passes on the engine options that the adapter knows', () => {
    const asked: EngineRequest = { ...plain, engineOptions: { beam: '5', 'x.y': 'z' }, onUnsupported: 'warn' };
    const beams = { ...bare, options: [beam] };
    expect(admitRequest(asked, beams).request.engineOptions).toEqual({ beam: '5' });
    expect(admitRequest(asked, beams).warnings.map(({ message }) => message)).toEqual([
      'The engine does not support the engine option x.y; the request went on without.',
    ]);
    const any = {
      ...bare,
      options: [{ name: '*', description: 'Whatever the backend takes.', type: 'text' as const }],
    };
    expect(admitRequest(asked, any)).toEqual({ request: asked, model: 'big', warnings: [] });
  });

  it('refuses a wrong value of an engine option, also where a warning would do for a feature', () => {
    const asked: EngineRequest = { ...plain, engineOptions: { beam: '50' }, onUnsupported: 'warn' };
    expect(() => admitRequest(asked, { ...bare, options: [beam] })).toThrow(
      new PolyscribeError('invalid_request', 'The engine option beam must be a whole number from 1 to 20.', {
        fields: [{ pointer: '/engine_options/beam', detail: 'must be a whole number from 1 to 20' }],
      }),
    );
  });
});
