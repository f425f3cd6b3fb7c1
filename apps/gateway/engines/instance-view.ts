import type { EngineInstance, InstanceStats } from '#contracts';

/** One running adapter, for operators. Times in seconds, speed in seconds of audio per second of work. */
export interface InstanceView {
  id: string;
  address: string;
  version: string;
  state: string;
  /** Why it does not serve; absent where it does. */
  reason?: string;
  breaker: { state: string; since: string; reason?: string };
  in_flight: number;
  capacity: number;
  /** Absent until a call has been measured. */
  speed?: number;
  queue_s: number;
  /** Calls that were measured, and the share of them that failed by the fault of the engine. */
  calls: number;
  error_rate: number;
  errors_5m: number;
  last_error?: { code: string; message: string; at: string };
  up_since: string;
  last_seen: string;
}

export function instanceView(instance: EngineInstance): InstanceView {
  const { stats, breaker } = instance;
  const { health, version, capabilities } = instance.description;
  const speed = speedOf(instance);
  return {
    id: instance.id,
    address: instance.address,
    version,
    state: health.state,
    ...(health.reason === '' ? {} : { reason: health.reason }),
    breaker: {
      state: breaker.state,
      since: breaker.since.toISOString(),
      ...(breaker.reason === '' ? {} : { reason: breaker.reason }),
    },
    in_flight: instance.inFlight,
    capacity: capabilities.maxConcurrency,
    ...(speed === undefined ? {} : { speed }),
    queue_s: rounded(stats.queueMs / 1000),
    calls: stats.calls,
    error_rate: rounded(stats.errorRate),
    errors_5m: stats.recentErrors,
    ...lastErrorOf(stats),
    up_since: instance.registeredAt.toISOString(),
    last_seen: instance.lastSeenAt.toISOString(),
  };
}

/** As workers measured it; what the instance tells of itself until they have. */
function speedOf({ stats: { realTimeFactor }, speed }: EngineInstance): number | undefined {
  if (realTimeFactor !== undefined && realTimeFactor > 0) return rounded(1 / realTimeFactor);
  return speed > 0 ? rounded(speed) : undefined;
}

function lastErrorOf({ lastError }: InstanceStats): Pick<InstanceView, 'last_error'> {
  if (!lastError) return {};
  const { code, message, at } = lastError;
  return { last_error: { code, message, at: at.toISOString() } };
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
