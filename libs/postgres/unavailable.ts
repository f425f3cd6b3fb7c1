import { PolyscribeError } from '#contracts';

/**
 * Classes of SQLSTATE that say nothing about the statement, only that the server cannot do it now (PostgreSQL manual,
 * appendix A): connection exception, transaction rollback (deadlock), insufficient resources, operator intervention
 * (shutdown, starting up, statement cancelled), system error, and lock not available.
 */
const passingStates = /^(08|40|53|57|58|55P03)/;

/** A statement that the server refused, without the row that PostgreSQL puts into the detail: it may be transcript text. */
export class StatementError extends Error {
  override readonly name = 'StatementError';

  constructor(
    /** SQLSTATE. */
    readonly code: string,
    /** The constraint that it would have broken. */
    readonly constraint: string | undefined,
  ) {
    super(`PostgreSQL refused a statement (${code}${constraint === undefined ? '' : `, ${constraint}`}).`);
  }
}

/**
 * What a PostgreSQL call threw, as our error: an outage becomes `dependency_unavailable` with this message, a fault of the
 * statement, which is ours, a StatementError.
 */
export function asUnavailable(thrown: unknown, message: string): Error {
  if (thrown instanceof PolyscribeError || thrown instanceof StatementError) return thrown;
  const code = textOf(thrown, 'code');
  if (code !== undefined && /^[0-9A-Z]{5}$/.test(code) && !passingStates.test(code)) {
    return new StatementError(code, textOf(thrown, 'constraint'));
  }
  return new PolyscribeError('dependency_unavailable', message, { cause: thrown });
}

function textOf(thrown: unknown, field: string): string | undefined {
  const value: unknown = typeof thrown === 'object' && thrown !== null ? Reflect.get(thrown, field) : undefined;
  return typeof value === 'string' ? value : undefined;
}
