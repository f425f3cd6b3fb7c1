import { inspect } from 'node:util';
import { PolyscribeError } from '#contracts';
import { backoffMs } from './backoff.js';
import { withDeadline } from './deadline.js';
import { asUnavailable, StatementError } from './unavailable.js';

describe('asUnavailable', () => {
  it.each(['08006', '40P01', '53300', '57P01', '57014', '55P03', 'ECONNREFUSED', 'ETIMEDOUT'])(
    'takes %s for an outage',
    (code) => {
      const error = asUnavailable(Object.assign(new Error('x'), { code }), 'not now');
      expect(error).toMatchObject({ code: 'dependency_unavailable', message: 'not now' });
    },
  );

  it('takes an error without a code for an outage: so the driver reports a lost connection', () => {
    expect(asUnavailable(new Error('Connection terminated unexpectedly'), 'not now')).toBeInstanceOf(PolyscribeError);
  });

  it('keeps the row out of what a refused statement says', () => {
    const refused = {
      code: '23505',
      constraint: 'job_event_key',
      detail: 'Key (text)=(what the patient said) exists.',
    };
    const error = asUnavailable(refused, 'not now');
    expect(error).toBeInstanceOf(StatementError);
    expect(error).toMatchObject({ code: '23505', constraint: 'job_event_key' });
    expect(inspect(error, { depth: null })).not.toContain('patient');
  });
});

describe('withDeadline', () => {
  it('gives the outcome of work that is in time', async () => {
    await expect(withDeadline(Promise.resolve(7), 10_000, 'late')).resolves.toBe(7);
    await expect(withDeadline(Promise.reject(new Error('own')), 10_000, 'late')).rejects.toThrow('own');
  });

  it('says dependency_unavailable when the work does not end', async () => {
    const never = new Promise(() => undefined);
    await expect(withDeadline(never, 10, 'late')).rejects.toMatchObject({ code: 'dependency_unavailable' });
  });
});

describe('backoffMs', () => {
  it('doubles up to the limit and stays within the upper half', () => {
    for (const [attempt, full] of [
      [1, 100],
      [2, 200],
      [5, 1600],
      [6, 2000],
      [1000, 2000],
    ] as const) {
      const wait = backoffMs(attempt, 100, 2000);
      expect(wait).toBeGreaterThanOrEqual(full / 2);
      expect(wait).toBeLessThanOrEqual(full);
    }
  });
});
