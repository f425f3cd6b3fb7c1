import type { Job } from '#contracts';
import { aDocument } from '../formats/testing.js';
import { secondsLeft } from './time-left.js';

const at = (seconds: number): Date => new Date(Date.UTC(2026, 0, 2) + seconds * 1000);

function running(changes: Partial<Job> = {}): Job {
  return {
    ...aDocument([]).job,
    status: 'processing',
    progress: 5,
    stage: 'transcribing',
    startedAt: at(3_600),
    stages: [
      { name: 'queued', startedAt: at(0), seconds: 3_600 },
      { name: 'fetching', startedAt: at(3_600), seconds: 400 },
      { name: 'transcribing', startedAt: at(4_000) },
    ],
    ...changes,
  };
}

describe('secondsLeft', () => {
  it('goes by the pace of the work, whatever the wait and the fetching before it', () => {
    expect(secondsLeft(running({ progress: 50 }), at(4_010))).toBe(10);
    expect(secondsLeft(running({ progress: 50 }), at(4_100))).toBe(100);
  });

  it('goes by the measured speed of the engine before there is any progress', () => {
    const job = running({ expectedMs: 60_000 });
    expect([0, 20, 59, 300].map((after) => secondsLeft(job, at(4_000 + after)))).toEqual([60, 40, 1, 1]);
  });

  it('knows nothing where neither is known', () => {
    expect(secondsLeft(running(), at(4_010))).toBeUndefined();
    const fetching = running({ expectedMs: 60_000, stages: running().stages.slice(0, 2) });
    expect(secondsLeft(fetching, at(4_010))).toBeUndefined();
    expect(secondsLeft(running({ status: 'completed', progress: 100 }), at(4_010))).toBeUndefined();
  });

  function course(expectedSeconds: number): number[] {
    return Array.from({ length: 101 }, (_, second) => {
      const job = running({ progress: Math.floor(5 + 0.9 * second), expectedMs: expectedSeconds * 1_000 });
      return secondsLeft(job, at(4_000 + second)) ?? Number.NaN;
    });
  }

  it.each([100, 250])('never rises while the work goes on as it began, though %i s were expected', (expected) => {
    const left = course(expected);
    // Whole percents of progress make steps of a second or two.
    for (const [second, value] of left.entries()) {
      expect(value).toBeLessThanOrEqual(Math.max(...left.slice(Math.max(0, second - 4), second + 1)));
      expect(value).toBeGreaterThan(0);
    }
    expect(left[0]).toBe(expected);
  });

  it.each([20, 100, 250])('comes to the truth by a third of the work, though %i s were expected', (expected) => {
    const errors = course(expected).map((left, second) => Math.abs(left - (100 - second)));
    expect(Math.max(...errors.slice(34))).toBeLessThanOrEqual(5);
  });

  it('begins anew with another attempt', () => {
    const stages = [
      ...running().stages,
      { name: 'queued', startedAt: at(5_000), seconds: 10 },
      { name: 'transcribing', startedAt: at(5_010) },
    ];
    expect(secondsLeft(running({ stages, progress: 50 }), at(5_020))).toBe(10);
  });
});
