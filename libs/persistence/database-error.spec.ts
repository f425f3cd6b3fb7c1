import { PolyscribeError } from '#contracts';
import {
  QueryRunnerAlreadyReleasedError,
  QueryRunnerProviderAlreadyReleasedError,
  TransactionNotStartedError,
} from 'typeorm';
import { mapDatabaseError } from './database-error.js';

describe('mapDatabaseError', () => {
  it.each([
    ['a connection lost between two statements of a transaction', new QueryRunnerAlreadyReleasedError()],
    ['a connection lost before the first statement', new QueryRunnerProviderAlreadyReleasedError()],
    ['a connection lost before the commit', new TransactionNotStartedError()],
    ['a connection that was closed', new Error('Client was closed and is not queryable')],
    ['a connection lost in a statement', new Error('Connection terminated unexpectedly')],
    ['a server that does not let us in', Object.assign(new Error(), { code: 'ECONNREFUSED' })],
  ])('takes %s for a database that is away', (_what, thrown) => {
    expect(mapDatabaseError(thrown)).toMatchObject({ code: 'dependency_unavailable' });
  });

  it('leaves errors of ours as they are', () => {
    const error = new PolyscribeError('job_not_found', 'There is no such job.');
    expect(mapDatabaseError(error)).toBe(error);
  });
});
