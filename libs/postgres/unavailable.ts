import { PolyscribeError } from '#contracts';

/**
 * Classes of SQLSTATE that say nothing about the statement, only that the server cannot do it now (PostgreSQL manual,
 * appendix A): connection exception, transaction rollback (deadlock), insufficient resources, operator intervention
 * (shutdown, starting up, statement cancelled), system error, and lock not available.
 */
const passingStates = /^(08|40|53|57|58|55P03)/;

/**
 * What a PostgreSQL call threw, as the port's error: an outage becomes `dependency_unavailable` with this message, a fault
 * of the statement itself is returned as it is, for it is a fault of ours.
 */
export function asUnavailable(error: unknown, message: string): unknown {
  if (error instanceof PolyscribeError) return error;
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  const isSqlState = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code);
  if (isSqlState && !passingStates.test(code)) return error;
  return new PolyscribeError('dependency_unavailable', message, { cause: error });
}
