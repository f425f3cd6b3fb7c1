import fc from 'fast-check';
import type { Span } from '#contracts';
import { jobIndex, ownIndex, plannedFor } from './joint-lanes.js';

const anyPlace = fc
  .record({ lanes: fc.integer({ min: 1, max: 3 }), channels: fc.integer({ min: 1, max: 8 }), lane: fc.nat(2) })
  .map(({ lanes, channels, lane }) => ({ lanes, channels, lane: lane % lanes }));

function span(index: number, startMs: number, state: Span['state']): Span {
  return { index, startMs, endMs: startMs + 10, state };
}

describe('indexes of lanes', () => {
  it('lead there and back, and to no other lane', () => {
    fc.assert(
      fc.property(anyPlace, fc.nat(10_000), (place, own) => {
        const index = jobIndex(own, place);
        for (let lane = 0; lane < place.lanes; lane++) {
          expect(ownIndex(index, { ...place, lane })).toBe(lane === place.lane ? own : undefined);
        }
      }),
    );
  });

  it('keep the channel', () => {
    expect([0, 1, 2, 3].map((own) => jobIndex(own, { lane: 1, lanes: 3, channels: 2 }))).toEqual([2, 3, 8, 9]);
  });
});

describe('plannedFor', () => {
  it('gives a lane its own spans, and the boundaries of the others where it had not come so far', () => {
    const planned = [span(0, 0, 'done'), span(1, 0, 'running'), span(2, 10, 'done'), span(4, 20, 'planned')];
    const place = { lanes: 2, channels: 1 };
    expect(plannedFor(planned, { ...place, lane: 0 })).toEqual([
      span(0, 0, 'done'),
      span(1, 10, 'done'),
      span(2, 20, 'planned'),
    ]);
    expect(plannedFor(planned, { ...place, lane: 1 })).toEqual([
      span(0, 0, 'running'),
      span(1, 10, 'planned'),
      span(2, 20, 'planned'),
    ]);
  });
});
