import {
  QueryRunnerAlreadyReleasedError,
  QueryRunnerProviderAlreadyReleasedError,
  TransactionNotStartedError,
} from 'typeorm';
import { PolyscribeError, systemErrorCode } from '#contracts';

/** When a client may try again: long enough for a restart or a failover that has begun. */
const RETRY_AFTER_MS = 2_000;

/** Network errors of Node, and the classes and codes of PostgreSQL that mean "not now" (its manual, appendix A). */
const networkCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH']);
const nameCodes = new Set(['ENOTFOUND', 'EAI_AGAIN']);
const unavailableState = /^(08...|53...|57P0[1-5]|57014|55P03|25P03|40001|40P01)$/;
/** What `pg` says without a code. */
const unavailableMessage =
  /Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|encountered a connection error|Client was closed/;
/**
 * TypeORM takes a connection away from a transaction when it is lost between two statements; the next statement, commit or
 * rollback hears only that it is gone.
 */
const lostTransactions = [
  QueryRunnerAlreadyReleasedError,
  QueryRunnerProviderAlreadyReleasedError,
  TransactionNotStartedError,
] as const;

/** A failed statement without its parameters, which may be transcript text. */
class StatementError extends Error {
  override readonly name = 'StatementError';

  constructor(
    readonly code: string | undefined,
    said: string,
  ) {
    super(`PostgreSQL refused a statement (${code ?? 'no code'})${said === '' ? '.' : `: ${said}`}`);
  }
}

/**
 * What the database or its driver threw, as our error: `dependency_unavailable` while the database is away or overloaded,
 * `internal` otherwise. Neither holds the statement's parameters. Errors of ours pass unchanged.
 */
export function mapDatabaseError(thrown: unknown): unknown {
  const code = systemErrorCode(thrown);
  if (isUnavailable(code, thrown)) {
    return new PolyscribeError('dependency_unavailable', 'The database does not answer; try again in a moment.', {
      cause: new Error(`database unavailable: ${code ?? (thrown instanceof Error ? thrown.message : 'no code')}`),
      retryAfterMs: RETRY_AFTER_MS,
    });
  }
  if (!isQueryFailure(thrown)) return thrown;
  // Messages of these classes (bad statement, violated constraint) name things of the schema and never a value.
  const said = /^(42|23)/.test(code ?? '') && 'message' in thrown ? String(thrown.message) : '';
  return new PolyscribeError('internal', 'The database refused a statement; the log has more.', {
    cause: new StatementError(code, said),
  });
}

export function isUnavailable(code: string | undefined, thrown: unknown): boolean {
  if (lostTransactions.some((lost) => thrown instanceof lost)) return true;
  if (code !== undefined) return networkCodes.has(code) || nameCodes.has(code) || unavailableState.test(code);
  const message = typeof thrown === 'object' && thrown !== null && 'message' in thrown ? String(thrown.message) : '';
  return unavailableMessage.test(message);
}

/** TypeORM's error carries the statement and its parameters, `pg`'s the row in its detail. */
function isQueryFailure(thrown: unknown): thrown is object {
  return typeof thrown === 'object' && thrown !== null && ('driverError' in thrown || 'severity' in thrown);
}
