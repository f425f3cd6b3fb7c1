import { fingerprintOf, readKey } from './submission-key.js';

describe('readKey', () => {
  it.each([
    [undefined, undefined],
    ['8e03978e-40d5-43dd-bc93-6894a57f9324', '8e03978e-40d5-43dd-bc93-6894a57f9324'],
    ['"8e03978e"', '8e03978e'],
    [' "8e03978e" ', '8e03978e'],
    [String.raw`"a\"b\\c"`, String.raw`a"b\c`],
    ['k'.repeat(255), 'k'.repeat(255)],
  ])('reads %j as %j', (header, key) => {
    expect(readKey(header)).toBe(key);
  });

  it.each([
    ['no character', ''],
    ['empty quotes', '""'],
    ['half quotes', '"abc'],
    ['two keys', 'abc, def'],
    ['two headers', ['abc', 'def']],
    ['a control character', 'a\u0001b'],
    ['another script', 'schlüssel'],
    ['256 characters', 'k'.repeat(256)],
  ])('refuses %s', (_title, header) => {
    expect(() => readKey(header)).toThrow('Idempotency-Key must be one key');
  });
});

describe('fingerprintOf', () => {
  it('does not mind the order of members, at any depth', () => {
    expect(fingerprintOf({ a: 1, b: { c: [1, { d: 2, e: 3 }] } })).toBe(
      fingerprintOf({ b: { c: [1, { e: 3, d: 2 }] }, a: 1 }),
    );
  });

  it('tells values apart', () => {
    const values = [null, {}, [], '', 0, '0', { a: 1 }, { a: '1' }, { b: 1 }, [1, 2], [2, 1]];
    expect(new Set(values.map(fingerprintOf)).size).toBe(values.length);
  });
});
