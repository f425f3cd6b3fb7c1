import { jsonFault, sentenceOf } from './json-fault.js';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('jsonFault', () => {
  it.each([
    ['{"url": "http://x",}', 1, 20, 'a field name in double quotes'],
    ['{\n  "title": "a"\n  "tags": []\n}', 3, 3, 'a comma or }'],
    ['[1, 2', 1, 6, 'a comma or ]'],
    ["{'a': 1}", 1, 2, 'a field name in double quotes or }'],
    ['{"a" 1}', 1, 6, 'a colon'],
    ['{"a": 01}', 1, 8, 'a number as JSON writes it'],
    ['{"a": "b', 1, 9, 'a closing quotation mark, or \\n for the end of a line,'],
    ['{"a": "\\x"}', 1, 8, 'an escape that JSON knows'],
    ['{} {}', 1, 4, 'the end of the body'],
  ])('finds the place in %s', (text, line, column, wanted) => {
    expect(jsonFault(text)).toMatchObject({ line, column, wanted });
  });

  it('says it in a sentence that repeats nothing of the text', () => {
    const fault = jsonFault('{"secret": hush}');
    expect(fault && sentenceOf(fault)).toMatch(
      /^The body is not valid JSON: at line 1, column 12, where a value \(.*\) is expected\.$/,
    );
    const end = jsonFault('{"secret"');
    expect(end && sentenceOf(end)).toBe(
      'The body is not valid JSON: it ends at line 1, column 10, where a colon is expected.',
    );
  });

  it('agrees with the parser on what is JSON, whatever is taken away, doubled or put in', () => {
    const whole = '{"a":[1,-2.5e3,true,null,"x\\u00e9\\n"],"b":{"c":{},"d":[]},"e":""}';
    const texts = Array.from(whole).flatMap((character, at) => {
      const [before, after] = [whole.slice(0, at), whole.slice(at + 1)];
      return [before, before + after, before + character + character + after, `${before} \n${character}${after}`];
    });
    for (const text of [whole, `\t${whole}\r\n`, '7', '-', '', ' ', '"', 'nul', '1.', '1e', '+1', ...texts]) {
      expect([text, jsonFault(text) === undefined]).toEqual([text, isJson(text)]);
    }
  });

  it('bears any depth', () => {
    expect(jsonFault('['.repeat(390_000))).toMatchObject({ column: 390_001, isEnd: true });
  });
});
