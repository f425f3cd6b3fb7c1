import { instanceOf } from '../../../libs/routing/testing.js';
import { optionViews } from './option-view.js';

describe('optionViews', () => {
  it('gives each key of a kind once, with its bounds and values', () => {
    const beam = { name: 'beam', description: 'Width.', type: 'integer', min: 1, max: 20 } as const;
    const arithmetic = { name: 'arithmetic', description: 'Of the model.', type: 'text', values: ['int8'] } as const;
    const instances = [
      instanceOf('asr', { capabilities: { options: [beam] } }),
      instanceOf('asr', { id: 'b', capabilities: { options: [{ ...beam, max: 5 }, arithmetic] } }),
      instanceOf('asr', { id: 'c' }),
    ];
    expect(optionViews(instances)).toEqual([
      { name: 'beam', description: 'Width.', type: 'integer', minimum: 1, maximum: 20 },
      { name: 'arithmetic', description: 'Of the model.', type: 'text', values: ['int8'] },
    ]);
  });
});
