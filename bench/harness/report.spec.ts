import { ratioChart } from './chart.js';
import type { Outcome } from './measure.js';
import { markdownReport, type Report } from './report.js';

const outcome: Outcome = {
  name: 'example',
  title: 'An example',
  against: 'half of it',
  amount: '10 clips',
  rounds: [],
  goals: [
    {
      figure: 'wall s',
      as: 'ratio',
      wanted: { is: 'at most', value: 1.2 },
      mesh: { median: 1.234567, low: 1, high: 2 },
      bare: { median: 1, low: 1, high: 1 },
      value: { median: 1.23456, low: 1, high: 2 },
      reached: false,
    },
    {
      figure: 'lag ms',
      as: 'absolute',
      mesh: { median: 1234.5, low: 1, high: 2000 },
      value: { median: 1234.5, low: 1, high: 2000 },
    },
  ],
  growth: { figure: 'wall s', points: [1, 4, 16].map((work) => ({ work, cost: work })), exponent: 1 },
};
const report: Report = {
  at: '2026-01-01',
  quick: false,
  surroundings: 'a machine',
  seconds: 61.7,
  outcomes: [outcome],
};

describe('the report of a run', () => {
  it('has a line for each goal with both sides, the range and the verdict', () => {
    const lines = markdownReport(report).split('\n');
    expect(lines[0]).toBe('2026-01-01, a machine, 62 s in all');
    expect(lines).toContain('| `example` | 10 clips | wall s | 1.23 | 1 | 1.23 x (1 to 2) | <= 1.2 x | no |');
    expect(lines).toContain('| `example` | 10 clips | lag ms | 1235 |  | 1235 (1 to 2000) | printed |  |');
  });

  it('has the growth with its exponent', () => {
    expect(markdownReport(report)).toContain('| `example` | wall s | 1 | 4 | 16 | 1.00 | <= 1.05 | yes |');
  });

  it('draws every ratio', () => {
    const chart = ratioChart([outcome]);
    expect(chart).toMatch(/^<svg /);
    expect(chart).toContain('example: wall s');
    expect(chart).not.toContain('lag ms');
    expect(chart).not.toContain('NaN');
  });
});
