import { ratioChart } from './chart.js';
import type { Outcome } from './measure.js';
import { markdownReport, type Report } from './report.js';

const outcome: Outcome = {
  name: 'example',
  title: 'An example',
  against: 'half of it',
  amount: '10 clips',
  seconds: 41.2,
  budgetS: 60,
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
  growth: {
    figure: 'wall s',
    unit: '2 clips',
    points: [1, 4, 16].map((times) => ({ times, cost: times })),
    exponent: 1,
  },
};
const report: Report = {
  at: '2026-01-01',
  quick: false,
  surroundings: 'a machine',
  seconds: 61.7,
  outcomes: [outcome],
};

const broken: Outcome = { ...outcome, name: 'broken', goals: [], failure: 'It broke.', noGrowth: 'It is a wait.' };

describe('the report of a run', () => {
  it('has a line for each goal with its command, both sides, the range and the verdict', () => {
    const lines = markdownReport(report).split('\n');
    const made = '`npm run bench -- example`';
    expect(lines[0]).toBe('2026-01-01, a full run, 62 s in all, on a machine.');
    expect(lines).toContain(`| ${made} | 10 clips | wall s | 1.23 | 1 | 1.23 x (1 to 2) | at most 1.2 x | no |`);
    expect(lines).toContain(`| ${made} | 10 clips | lag ms | 1235 |  | 1235 (1 to 2000) | printed |  |`);
  });

  it('names the command of a quick run', () => {
    expect(markdownReport({ ...report, quick: true })).toContain('`npm run bench -- --quick example`');
  });

  it('has the growth with its exponent', () => {
    expect(markdownReport(report)).toContain(
      '| `example` | 2 clips | wall s | 1 | 4 | 16 | 1.00 | at most 1.05 | yes |',
    );
  });

  it('says what failed and what has no growth', () => {
    const markdown = markdownReport({ ...report, outcomes: [outcome, broken] });
    expect(markdown).toContain('| `npm run bench -- broken` | 10 clips | none |  |  | failed, see below |  | no |');
    expect(markdown).toContain('- `broken`: It broke.');
    expect(markdown).toContain('- `broken`: It is a wait.');
  });

  it('says what each scenario took and what it may take', () => {
    const lines = markdownReport({ ...report, outcomes: [outcome, outcome] }).split('\n');
    expect(lines).toContain('| `example` | 0 | 41 s | 60 s |');
    expect(lines).toContain('| all |  | 82 s | 120 s |');
  });

  it('draws every ratio', () => {
    const chart = ratioChart([outcome]);
    expect(chart).toMatch(/^<svg /);
    expect(chart).toContain('example: wall s');
    expect(chart).not.toContain('lag ms');
    expect(chart).not.toContain('NaN');
  });
});
