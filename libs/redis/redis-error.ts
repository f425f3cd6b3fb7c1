import { PolyscribeError } from '#contracts';

/** Refusals that are about the command, and so ours: everything else passes when the server is well again. */
const ourFaults = /^(ERR|WRONGTYPE|CROSSSLOT|EXECABORT)\b/;

/** A command that the server refused and would refuse again. */
export class RedisRefusal extends Error {
  override readonly name = 'RedisRefusal';
}

/**
 * The error with its name and message alone. The client hangs the command with its arguments on its errors: a password, or
 * what somebody said; none of it may reach a log.
 */
export function plainRedisError(thrown: unknown): Error {
  if (!(thrown instanceof Error)) return new Error(`Redis: ${typeof thrown}`);
  // The answer to an unknown command repeats its arguments.
  const [message = ''] = thrown.message.split(/,? with args/);
  const plain = new Error(message);
  plain.name = thrown.name;
  return plain;
}

/**
 * What a Redis call threw, as our error: an outage (no connection, no answer in time, out of memory, a replica, a wrong
 * password) becomes `dependency_unavailable` with this message, a fault of the command a RedisRefusal.
 */
export function asRedisUnavailable(thrown: unknown, message: string): Error {
  if (thrown instanceof PolyscribeError || thrown instanceof RedisRefusal) return thrown;
  const cause = plainRedisError(thrown);
  if (cause.name === 'ReplyError' && ourFaults.test(cause.message)) return new RedisRefusal(cause.message);
  return new PolyscribeError('dependency_unavailable', message, { cause });
}
