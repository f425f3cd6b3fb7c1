import { type EngineOption, optionFault, optionFor, optionValue } from './engine-option.js';

function option(changes: Partial<EngineOption>): EngineOption {
  return { name: 'x', description: '', type: 'text', ...changes };
}

describe('optionFor', () => {
  const options = ['beam', 'custom.*', 'custom.vad'].map((name) => option({ name }));

  it.each([
    ['beam', 'beam'],
    ['custom.vad', 'custom.vad'],
    ['custom.vad.onset', 'custom.*'],
    ['custom.', undefined],
    ['custom', undefined],
    ['beams', undefined],
    ['toString', undefined],
  ])('of %s is %s', (key, name) => {
    expect(optionFor(options, key)?.name).toBe(name);
  });

  it('takes a star alone for every key', () => {
    expect(optionFor([option({ name: '*' })], 'anything')).toBeDefined();
  });
});

describe('optionFault', () => {
  it.each<[Partial<EngineOption>, string]>([
    [{}, ''],
    [{}, 'any text'],
    [{ values: ['int8', 'float16'] }, 'float16'],
    [{ type: 'flag' }, 'false'],
    [{ type: 'integer' }, '-5'],
    [{ type: 'integer', min: 1, max: 20 }, '20'],
    [{ type: 'number', max: 1 }, '0.25'],
    [{ type: 'number' }, '-3'],
  ])('finds nothing wrong by %j in %j', (changes, text) => {
    expect(optionFault(option(changes), text)).toBeUndefined();
  });

  it.each<[Partial<EngineOption>, string, string]>([
    [{ values: ['int8', 'float16'] }, 'float', 'must be one of int8, float16'],
    [{ type: 'flag' }, 'yes', 'must be true or false'],
    [{ type: 'flag' }, 'true\n', 'must be true or false'],
    [{ type: 'integer' }, '1.5', 'must be a whole number'],
    [{ type: 'integer' }, '', 'must be a whole number'],
    [{ type: 'integer' }, '1e3', 'must be a whole number'],
    [{ type: 'integer', min: 1, max: 20 }, '0', 'must be a whole number from 1 to 20'],
    [{ type: 'integer', min: 1 }, '0', 'must be a whole number of at least 1'],
    [{ type: 'number', max: 1 }, '1.01', 'must be a number of at most 1'],
    [{ type: 'number' }, ' 1', 'must be a number'],
  ])('says by %j what is wrong with %j', (changes, text, fault) => {
    expect(optionFault(option(changes), text)).toBe(fault);
  });
});

describe('optionValue', () => {
  it('is of the type of the option', () => {
    expect(optionValue(option({}), '5')).toBe('5');
    expect(optionValue(option({ type: 'flag' }), 'false')).toBe(false);
    expect(optionValue(option({ type: 'number' }), '0.5')).toBe(0.5);
  });
});
