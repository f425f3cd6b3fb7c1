import { detokenize } from './detokenize.js';

describe('detokenize', () => {
  it('gives the text without the space before its first word', () => {
    // Ids of Llama's first tokenizer, as its documentation gives them for this text.
    expect(detokenize([15043, 3186, 29991])).toBe('Hello world!');
  });

  it('leaves out marks that are no text', () => {
    expect(detokenize([1, 15043, 32_500, 2])).toBe('Hello');
  });

  it('gives nothing for nothing', () => {
    expect(detokenize([])).toBe('');
  });
});
