import {
  QueryRunnerAlreadyReleasedError,
  QueryRunnerProviderAlreadyReleasedError,
  TransactionNotStartedError,
} from 'typeorm';
import { PolyscribeError, systemErrorCode } from '#contracts';
import { isOutage, StatementError } from '#postgres';

/** When a client may try again: long enough for a restart or a failover that has begun. */
const RETRY_AFTER_MS = 2_000;

/**
 * TypeORM takes a connection away from a transaction when it is lost between two statements; the next statement, commit or
 * rollback hears only that it is gone.
 */
const lostTransactions = [
  QueryRunnerAlreadyReleasedError,
  QueryRunnerProviderAlreadyReleasedError,
  TransactionNotStartedError,
] as const;

/**
 * What the database or its driver threw, as our error: `dependency_unavailable` while the database is away or overloaded,
 * `internal` otherwise. Neither holds the statement's parameters. Errors of ours pass unchanged.
 */
export function mapDatabaseError(thrown: unknown): unknown {
  const code = systemErrorCode(thrown);
  if (isAway(thrown)) {
    return new PolyscribeError('dependency_unavailable', 'The database does not answer; try again in a moment.', {
      cause: new Error(`database unavailable: ${code ?? (thrown instanceof Error ? thrown.message : 'no code')}`),
      retryAfterMs: RETRY_AFTER_MS,
    });
  }
  if (!isQueryFailure(thrown)) return thrown;
  // Messages of these classes (bad statement, violated constraint) name things of the schema and never a value.
  const said = /^(42|23)/.test(code ?? '') && 'message' in thrown ? String(thrown.message) : '';
  return new PolyscribeError('internal', 'The database refused a statement; the log has more.', {
    cause: new StatementError(code, undefined, said),
  });
}

function isAway(thrown: unknown): boolean {
  return lostTransactions.some((lost) => thrown instanceof lost) || isOutage(thrown);
}

/** TypeORM's error carries the statement and its parameters, `pg`'s the row in its detail. */
function isQueryFailure(thrown: unknown): thrown is object {
  return typeof thrown === 'object' && thrown !== null && ('driverError' in thrown || 'severity' in thrown);
}
