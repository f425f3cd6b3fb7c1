import { type ErrorCode, errorTable, PolyscribeError } from '#contracts';
import { type AttemptState, verdictOn } from './failure-verdict.js';
import { NobodyElse } from './span-tries.js';

const limits = { jobTimeoutMs: 1000, busyWaitMs: 5000, engineWaitPauseMs: 15, jobRetry: { firstMs: 10, maxMs: 40 } };

const fresh = { attempt: 1, maxAttempts: 4, waitedMs: { busy: 0, outage: 0 } };

function verdict(code: ErrorCode, state: Partial<AttemptState> = {}) {
  return verdictOn(new PolyscribeError(code, 'x'), { ...fresh, ...state }, limits);
}

describe('verdictOn', () => {
  it.each([
    ['no_engine', 'outage', 1000],
    ['dependency_unavailable', 'outage', 1000],
    ['engine_busy', 'busy', 5000],
    ['rate_limited', 'busy', 5000],
  ] as const)('lets a job wait for what nobody is to blame for: %s, an %s up to %d ms', (code, waitsFor, limitMs) => {
    const waited = (ms: number) => ({ waitedMs: { ...fresh.waitedMs, [waitsFor]: ms } });
    const again = { kind: 'again', countAttempt: false, waitsFor };
    expect(verdict(code, { attempt: 4, ...waited(limitMs - 1) })).toMatchObject(again);
    expect(verdict(code, waited(limitMs))).toEqual({ kind: 'fail' });
  });

  it('does not count the wait for a full engine as an outage', () => {
    expect(verdict('no_engine', { waitedMs: { busy: 4_000, outage: 0 } })).toMatchObject({ kind: 'again' });
  });

  it.each(['engine_unavailable', 'internal'] as const)('counts an attempt that ended with %s', (code) => {
    expect(verdict(code)).toMatchObject({ kind: 'again', countAttempt: true });
    expect(verdict(code, { attempt: 4 })).toEqual({ kind: 'fail' });
  });

  const final = Object.entries(errorTable).filter(
    ([, { retry }]) => retry === 'never' || retry === 'other-engine-once',
  );
  it.each(final.map(([code]) => code as ErrorCode))('fails at once with %s', (code) => {
    expect(verdict(code)).toEqual({ kind: 'fail' });
  });

  it('counts an attempt in which there was no other engine to ask', () => {
    const error = new NobodyElse(new PolyscribeError('engine_bad_response', 'x'));
    expect(verdictOn(error, fresh, limits)).toMatchObject({ kind: 'again', countAttempt: true });
    expect(verdictOn(error, { ...fresh, attempt: 4 }, limits)).toEqual({ kind: 'fail' });
  });

  it('waits as long as the error asks, within the limit', () => {
    const error = (retryAfterMs: number) => new PolyscribeError('engine_busy', 'x', { retryAfterMs });
    expect(verdictOn(error(30), fresh, limits)).toMatchObject({ afterMs: 30 });
    expect(verdictOn(error(9999), fresh, limits)).toMatchObject({ afterMs: 40 });
  });
});
