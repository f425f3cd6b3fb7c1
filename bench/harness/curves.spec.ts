import { curveChart } from './curves.js';

const ideal = { name: 'in proportion', points: [1, 4, 16].map((x) => ({ x, y: x })) };

describe('curveChart', () => {
  it('puts what grows in proportion onto the grey line', () => {
    const chart = curveChart({
      title: 'Growth',
      xName: 'work',
      yName: 'cost',
      ideal,
      curves: [{ ...ideal, name: 'own' }],
    });
    const lines = [...chart.matchAll(/polyline points="([^"]+)"/g)].map(([, points]) => points);
    expect(lines).toEqual(['70,410 250,230 430,50', '70,410 250,230 430,50']);
    expect(chart).toContain('>own</text>');
  });

  it('draws without any curve', () => {
    expect(curveChart({ title: 'Growth', xName: 'work', yName: 'cost', ideal, curves: [] })).not.toContain('NaN');
  });
});
