import {
  type BreakerState,
  closedBreaker,
  type InstanceBreaker,
  type InstanceError,
  type InstanceStats,
  isErrorCode,
  unmeasured,
} from '#contracts';
import * as wire from '../registry-v1.js';
import { durationToMs, msToDuration } from './duration.mapper.js';
import type { WireReader } from './wire-fault.js';

const breakerStates: Readonly<Record<BreakerState, wire.BreakerState>> = {
  closed: wire.BreakerState.CLOSED,
  open: wire.BreakerState.OPEN,
  half_open: wire.BreakerState.HALF_OPEN,
};

export function toWireStats(stats: InstanceStats): wire.Stats {
  const { lastError } = stats;
  return {
    callCount: stats.calls,
    realTimeFactor: stats.realTimeFactor,
    errorRate: stats.errorRate,
    queueDuration: msToDuration(stats.queueMs),
    p95WorkMsPerSecond: stats.p95Ms,
    recentErrorCount: stats.recentErrors,
    lastError: lastError && { code: lastError.code, message: lastError.message, createTime: lastError.at },
  };
}

/** An absent message is `unmeasured`: an older registry tells nothing. */
export function fromWireStats(message: wire.Stats | undefined, read: WireReader): InstanceStats {
  if (!message) return unmeasured;
  const { realTimeFactor, p95WorkMsPerSecond, queueDuration, lastError } = message;
  return {
    calls: read.atLeast('stats.call_count', message.callCount, 0),
    ...(realTimeFactor !== undefined && {
      realTimeFactor: read.atLeast('stats.real_time_factor', realTimeFactor, 0),
    }),
    errorRate: read.fraction('stats.error_rate', message.errorRate),
    queueMs: queueDuration ? durationToMs('stats.queue_duration', queueDuration, read) : 0,
    ...(p95WorkMsPerSecond !== undefined && {
      p95Ms: read.atLeast('stats.p95_work_ms_per_second', p95WorkMsPerSecond, 0),
    }),
    recentErrors: read.atLeast('stats.recent_error_count', message.recentErrorCount, 0),
    ...(lastError && { lastError: fromWireLastError(lastError, read) }),
  };
}

function fromWireLastError({ code, message, createTime }: wire.LastError, read: WireReader): InstanceError {
  return {
    // A newer registry may know a code that is not known here; it is still the engine that failed.
    code: isErrorCode(code) ? code : 'engine_bad_response',
    message: read.text('stats.last_error.message', message),
    at: read.present('stats.last_error.create_time', createTime),
  };
}

export function toWireBreaker({ state, since, reason }: InstanceBreaker): wire.Breaker {
  return { state: breakerStates[state], stateTime: since, reason };
}

/** @param registeredAt since when an instance counts as closed of which an older registry tells nothing */
export function fromWireBreaker(
  message: wire.Breaker | undefined,
  registeredAt: Date,
  read: WireReader,
): InstanceBreaker {
  if (!message) return closedBreaker(registeredAt);
  return {
    state: read.choice('breaker.state', message.state, stateOf),
    since: read.present('breaker.state_time', message.stateTime),
    reason: read.text('breaker.reason', message.reason),
  };
}

function stateOf(value: wire.BreakerState): BreakerState | undefined {
  return (Object.keys(breakerStates) as BreakerState[]).find((state) => breakerStates[state] === value);
}
