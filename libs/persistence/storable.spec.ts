import { storableJson, storableText } from './storable.js';

describe('storableText', () => {
  it('replaces what PostgreSQL cannot hold and nothing else', () => {
    expect(storableText('a\0b \ud83d\ude00 \ud83d é')).toBe('a\uFFFDb \ud83d\ude00 \uFFFD é');
  });
});

describe('storableJson', () => {
  it('cleans strings and keys at any depth and leaves other values', () => {
    const value = { 'k\0': ['a\0', { n: 1, b: true, z: null }], at: new Date(0), gone: undefined };
    expect(JSON.parse(storableJson(value))).toEqual({
      'k\uFFFD': ['a\uFFFD', { n: 1, b: true, z: null }],
      at: '1970-01-01T00:00:00.000Z',
    });
  });
});
