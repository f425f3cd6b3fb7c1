import { loadConfig } from '#config';
import { riva } from '#protos';
import { assumedModels, chooseModel, languagesOf, list, readModels } from './riva-models.js';

const english = { name: 'a', type: 'online', languages: ['en-US'] } as const;
const englishFiles = { name: 'b', type: 'offline', languages: ['en-US'] } as const;
const spanish = { name: 'c', type: 'online', languages: ['es-US', 'es-ES'] } as const;
const any = { name: 'd', type: 'online', languages: ['multi'] } as const;

function config(models: Record<string, Record<string, string>>): riva.RivaSpeechRecognitionConfigResponse {
  const modelConfig = Object.entries(models).map(([modelName, parameters]) => ({ modelName, parameters }));
  return riva.RivaSpeechRecognitionConfigResponse.fromPartial({ modelConfig });
}

describe('readModels', () => {
  it('goes by type and language, never by what a name seems to say', () => {
    const answer = config({
      'parakeet-en-US-asr-streaming': { type: 'offline', language_code: 'de-DE', decoder: 'flashlight' },
      whisper: { type: ' Offline ', language_code: 'en, multi' },
    });
    expect(readModels(answer)).toEqual([
      { name: 'parakeet-en-US-asr-streaming', type: 'offline', languages: ['de-DE'] },
      { name: 'whisper', type: 'offline', languages: ['en', 'multi'] },
    ]);
  });

  it('leaves out what cannot be called', () => {
    const answer = config({
      'no-type': { language_code: 'en-US' },
      'other-type': { type: 'punctuation', language_code: 'en-US' },
      'no-language': { type: 'online', language_code: '' },
      'odd-language': { type: 'online', language_code: 'English!' },
    });
    expect(readModels(answer)).toEqual([]);
  });
});

describe('languagesOf', () => {
  it('gives each tag once, and any for models that detect the language', () => {
    expect(languagesOf([english, englishFiles, spanish, any])).toEqual(['en-US', 'es-US', 'es-ES', '*']);
  });
});

describe('chooseModel', () => {
  it('prefers streams to files', () => {
    expect(chooseModel({ language: 'en' }, [englishFiles, english])).toEqual({
      name: 'a',
      type: 'online',
      languageCode: 'en-US',
    });
  });

  it('takes a model for files where there is no other', () => {
    expect(chooseModel({ language: 'en-US' }, [englishFiles, spanish])).toMatchObject({ name: 'b', type: 'offline' });
  });

  it('takes the model that is named, and the configured one where none is', () => {
    expect(chooseModel({ language: 'en', model: 'b' }, [english, englishFiles])).toMatchObject({ name: 'b' });
    expect(chooseModel({ language: 'en' }, [english, englishFiles], 'b')).toMatchObject({ name: 'b' });
    expect(chooseModel({ language: 'es' }, [spanish, english], 'a')).toMatchObject({ name: 'c' });
  });

  it('sends the language as the model writes it, the exact one where there is one', () => {
    expect(chooseModel({ language: 'es' }, [spanish]).languageCode).toBe('es-US');
    expect(chooseModel({ language: 'es-es' }, [spanish]).languageCode).toBe('es-ES');
    const whisper = { name: 'w', type: 'offline', languages: ['en', 'multi'] } as const;
    expect(chooseModel({ language: 'en-GB' }, [whisper]).languageCode).toBe('en');
  });

  it('prefers a model of the language to one that detects it', () => {
    expect(chooseModel({ language: 'en' }, [any, english])).toMatchObject({ name: 'a' });
    expect(chooseModel({ language: 'pt-BR' }, [any, english])).toMatchObject({ name: 'd', languageCode: 'multi' });
  });

  it('detects the language where no language is named', () => {
    expect(chooseModel({}, [english, any])).toMatchObject({ name: 'd', languageCode: 'multi' });
    expect(chooseModel({}, [english])).toMatchObject({ name: 'a', languageCode: 'en-US' });
  });

  it('takes what is away only where nothing else serves', () => {
    const away = { ...english, name: 'e', isAway: true } as const;
    expect(chooseModel({ language: 'en' }, [away, englishFiles], 'e')).toMatchObject({ name: 'b' });
    expect(chooseModel({}, [away, spanish, any])).toMatchObject({ name: 'd' });
    expect(chooseModel({ language: 'en' }, [away, spanish])).toMatchObject({ name: 'e' });
  });

  it('says what there is when nothing fits', () => {
    expect(() => chooseModel({ model: 'x' }, [english])).toThrow(
      'Riva has no model of that name; it has a (online, en-US).',
    );
    expect(() => chooseModel({ language: 'de' }, [english, spanish])).toThrow(/does not know de here; it has a .*; c /);
    expect(() => chooseModel({}, [spanish])).toThrow(
      /cannot detect the language; name one of c \(online, es-US, es-ES/,
    );
  });
});

describe('list', () => {
  it('is bounded', () => {
    const languages = Array.from({ length: 40 }, (_, index) => `l${index}`);
    const models = Array.from(
      { length: 20 },
      (_, index) => ({ name: `m${index}`, type: 'online', languages }) as const,
    );
    expect(list(models).length).toBeLessThan(600);
    expect(list(models)).toMatch(/and 34 more\).*and 12 more$/);
    expect(list([])).toBe('no model');
  });
});

describe('assumedModels', () => {
  it('is what the configuration says, for backends that do not tell', () => {
    const { riva: settings } = loadConfig({ RIVA_URI: 'x:1', RIVA_LANGUAGE: 'multi', RIVA_MODEL_TYPE: 'offline' });
    expect(settings && assumedModels(settings)).toEqual([
      { name: '', type: 'offline', languages: ['multi'], isAssumed: true },
    ]);
  });
});
