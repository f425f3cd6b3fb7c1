import type { EngineRequest } from '#contracts';
import { toWhisperLanguage, fromWhisperLanguage, whisperLanguages } from './languages.js';
import { phraseLine } from './phrases.js';
import { withProfileModel } from './profiles.js';
import { tee } from './http/tee.js';
import { plainRequest } from './testing/engine-under-test.js';
import { whisperCapabilities } from './dialects/whisper-capabilities.js';

describe('languages', () => {
  it.each([
    ['pt-BR', 'pt'],
    ['nb-NO', 'no'],
    ['jv', 'jw'],
    ['zh-Hant-TW', 'zh'],
  ])('are sent as Whisper calls them: %s as %s', (tag, code) => {
    expect(toWhisperLanguage(tag)).toBe(code);
  });

  it.each([
    ['English', 'en'],
    ['german', 'de'],
    ['jw', 'jv'],
    ['yue', 'yue'],
    ['EN', 'en'],
    ['', undefined],
    ['no language at all', undefined],
  ])('are read from a code or an English name: %j as %s', (word, tag) => {
    expect(fromWhisperLanguage(word)).toBe(tag);
  });

  it('are the hundred of large-v3', () => {
    expect(new Set(whisperLanguages).size).toBe(100);
  });
});

describe('phraseLine', () => {
  it('puts the strongest first and leaves out what is to be avoided', () => {
    const line = phraseLine([{ phrase: 'a,\nb' }, { phrase: 'bad', boost: -1 }, { phrase: 'best', boost: 9 }]);
    expect(line.text).toBe('best, a b');
    expect(line.warnings).toEqual([{ code: 'phrases_left_out', message: expect.stringContaining('1 of 3') as string }]);
  });

  it('keeps to what Whisper reads, and says how many did not fit', () => {
    const phrases = Array.from({ length: 500 }, (_, index) => ({ phrase: `phrase ${String(index)}` }));
    const { text, warnings } = phraseLine(phrases);
    expect(text.length).toBeLessThan(700);
    expect(text.split(', ').length).toBeGreaterThan(20);
    expect(warnings).toHaveLength(1);
    expect(phraseLine([{ phrase: '漢'.repeat(150) }]).text).toBe('');
  });
});

describe('withProfileModel', () => {
  const settings = { availableModels: undefined, defaultModel: 'large-v3', concurrency: undefined };
  const model = (wishes: Partial<EngineRequest>, models: string[], defaultModel = 'large-v3') =>
    withProfileModel({ ...plainRequest, ...wishes }, whisperCapabilities(settings, { models, defaultModel })).model;
  const all = ['tiny', 'base', 'small', 'large-v3', 'large-v3-turbo'];

  it.each<[string, Partial<EngineRequest>, string | undefined]>([
    ['the default model for balanced', { profile: 'balanced' }, undefined],
    ['a model below for fast', { profile: 'fast' }, 'large-v3-turbo'],
    ['the largest for precise', { profile: 'precise' }, 'large-v3'],
    ['the model that is named', { profile: 'precise', model: 'tiny' }, 'tiny'],
    ['a model that can for translation', { profile: 'fast', task: 'translate' }, 'large-v3'],
  ])('takes %s', (_what, wishes, expected) => {
    expect(model(wishes, all)).toBe(expected);
  });

  it('stays with the default where there is nothing better', () => {
    expect(model({ profile: 'fast' }, ['base'], 'base')).toBeUndefined();
    expect(model({ profile: 'precise' }, ['base'], 'base')).toBeUndefined();
  });

  it('leaves a default that cannot translate for one that can', () => {
    expect(model({ task: 'translate' }, ['large-v3-turbo', 'small'], 'large-v3-turbo')).toBe('small');
  });
});

describe('tee', () => {
  async function* numbers(count: number, pulled: number[]): AsyncGenerator<Uint8Array> {
    for (let number = 1; number <= count; number += 1) {
      pulled.push(number);
      yield await Promise.resolve(Uint8Array.of(number));
    }
  }

  async function all(source: AsyncIterable<Uint8Array>): Promise<number[]> {
    const read: number[] = [];
    for await (const [value = 0] of source) read.push(value);
    return read;
  }

  it('gives each reader everything, in step', async () => {
    const pulled: number[] = [];
    const [a, b] = tee(numbers(4, pulled), 2);
    const first = a?.[Symbol.asyncIterator]();
    const ahead = first?.next();
    await Promise.resolve();
    expect(pulled).toEqual([]);
    const rest = b === undefined ? [] : all(b);
    expect((await ahead)?.value).toEqual(Uint8Array.of(1));
    const read: number[] = [];
    for (let next = await first?.next(); next?.done === false; next = await first?.next()) read.push(...next.value);
    expect(read).toEqual([2, 3, 4]);
    expect(await rest).toEqual([1, 2, 3, 4]);
  });

  it('goes on for one when the other leaves, and closes the source when both have', async () => {
    const pulled: number[] = [];
    const [a, b] = tee(numbers(1_000, pulled), 2).map((branch) => branch[Symbol.asyncIterator]());
    await Promise.all([a?.next(), b?.next()]);
    await a?.return?.();
    expect((await b?.next())?.value).toEqual(Uint8Array.of(2));
    await b?.return?.();
    expect((await b?.next())?.done).toBe(true);
    expect(pulled).toEqual([1, 2]);
  });

  it('passes the failure of the source on to all', async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(Uint8Array.of(1));
      throw new Error('broken');
    }
    const outcomes = await Promise.allSettled(tee(failing(), 2).map(all));
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});
