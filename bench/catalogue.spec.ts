import { catalogue } from './catalogue.js';

describe('the catalogue', () => {
  it('has every name once', () => {
    expect(new Set(catalogue.map(({ name }) => name)).size).toBe(catalogue.length);
  });

  it('keeps a quick run within 5 minutes and a full one within 30', () => {
    const sum = (of: 'quickS' | 'fullS') => catalogue.reduce((all, { budget }) => all + budget[of], 0);
    expect(sum('quickS')).toBeLessThanOrEqual(300);
    expect(sum('fullS')).toBeLessThanOrEqual(1_800);
  });
});
