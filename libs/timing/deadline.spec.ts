import { withDeadline } from './deadline.js';

describe('withDeadline', () => {
  it('gives the outcome of work that is in time', async () => {
    await expect(withDeadline(Promise.resolve(7), 10_000, 'late')).resolves.toBe(7);
    await expect(withDeadline(Promise.reject(new Error('own')), 10_000, 'late')).rejects.toThrow('own');
  });

  it('says dependency_unavailable when the work does not end', async () => {
    const never = new Promise(() => undefined);
    await expect(withDeadline(never, 10, 'late')).rejects.toMatchObject({ code: 'dependency_unavailable' });
  });

  it('throws what the caller wants instead', async () => {
    const own = new Error('own');
    await expect(withDeadline(new Promise(() => undefined), 10, () => own)).rejects.toBe(own);
  });
});
