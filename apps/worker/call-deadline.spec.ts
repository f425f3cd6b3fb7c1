import { unmeasured } from '#contracts';
import { callDeadlineMs } from './call-deadline.js';

const limits = { callBaseMs: 120_000, callMsPerAudioMs: 4, callFloorMs: 60_000, jobTimeoutMs: 1_800_000 };

describe('callDeadlineMs', () => {
  it.each([
    ['an instance that nobody has measured', unmeasured, 60_000, 360_000],
    ['one with too few calls', { ...unmeasured, calls: 2, realTimeFactor: 0.1 }, 60_000, 360_000],
    ['a quick one', { ...unmeasured, calls: 9, realTimeFactor: 0.05 }, 60_000, 84_000],
    ['a slow one', { ...unmeasured, calls: 9, realTimeFactor: 3 }, 60_000, 1_500_000],
    ['one whose calls differ much', { ...unmeasured, calls: 9, realTimeFactor: 0.1, p95Ms: 1_000 }, 60_000, 240_000],
    ['one so slow that the attempt ends before', { ...unmeasured, calls: 9, realTimeFactor: 9 }, 60_000, 1_800_000],
    ['audio of unknown length', unmeasured, undefined, 1_800_000],
  ])('gives %s its time', (_who, stats, audioMs, expected) => {
    expect(callDeadlineMs({ stats }, audioMs, limits)).toBe(expected);
  });
});
