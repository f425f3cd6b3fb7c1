import { PolyscribeError, systemErrorCode } from '#contracts';

/** Network errors of Node. */
const networkCodes: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['ENOTFOUND', 'EAI_AGAIN'],
]);
/**
 * SQLSTATEs that say nothing about the statement, only that the server cannot do it now (PostgreSQL manual, appendix A):
 * connection exception, deadlock and serialization failure, insufficient resources, operator intervention (shutdown,
 * starting up, statement cancelled), system error, lock not available, a transaction that was idle for too long.
 */
const passingStates = /^(08...|40001|40P01|53...|57...|58...|55P03|25P03)$/;
/** What `pg` says without a code. */
const outageMessages =
  /Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|encountered a connection error|Client was closed/;

/** A statement that the server refused, without the row that PostgreSQL puts into the detail: it may be transcript text. */
export class StatementError extends Error {
  override readonly name = 'StatementError';

  /**
   * @param code SQLSTATE; undefined when there is none
   * @param constraint the one that it would have broken
   * @param said what the server said, where that can hold no value of a row
   */
  constructor(
    readonly code: string | undefined,
    readonly constraint: string | undefined,
    said = '',
  ) {
    const what = [code ?? 'no code', ...(constraint === undefined ? [] : [constraint])].join(', ');
    super(`PostgreSQL refused a statement (${what})${said === '' ? '.' : `: ${said}`}`);
  }
}

/** Whether what a call of PostgreSQL threw means that the server is away or cannot do it now. */
export function isOutage(thrown: unknown): boolean {
  const code = systemErrorCode(thrown);
  if (code !== undefined) return networkCodes.has(code) || passingStates.test(code);
  return outageMessages.test(textOf(thrown, 'message') ?? '');
}

/**
 * What a call of PostgreSQL's driver threw, as our error: a fault of the statement, which is ours, becomes a
 * StatementError, and anything else `dependency_unavailable` with this message.
 */
export function asUnavailable(thrown: unknown, message: string): Error {
  if (thrown instanceof PolyscribeError || thrown instanceof StatementError) return thrown;
  const code = textOf(thrown, 'code');
  if (code !== undefined && /^[0-9A-Z]{5}$/.test(code) && !isOutage(thrown)) {
    return new StatementError(code, textOf(thrown, 'constraint'));
  }
  return new PolyscribeError('dependency_unavailable', message, { cause: thrown });
}

function textOf(thrown: unknown, field: string): string | undefined {
  const value: unknown = typeof thrown === 'object' && thrown !== null ? Reflect.get(thrown, field) : undefined;
  return typeof value === 'string' ? value : undefined;
}
