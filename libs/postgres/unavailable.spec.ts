import { inspect } from 'node:util';
import { PolyscribeError } from '#contracts';
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
