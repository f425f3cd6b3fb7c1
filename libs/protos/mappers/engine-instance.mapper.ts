import type { EngineAnnouncement, EngineInstance } from '#contracts';
import type * as wire from '../registry-v1.js';
import { fromWireDescription, toWireDescription } from './engine-description.mapper.js';
import { fromWireBreaker, fromWireStats, toWireBreaker, toWireStats } from './instance-stats.mapper.js';
import { type WireFault, WireReader } from './wire-fault.js';

/** What an instance is doing, as it reports with each heartbeat. */
export type EngineLoad = Pick<EngineInstance, 'inFlight' | 'speed'>;

const addressPattern = /^(\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+):\d{1,5}$/;

export function toWireLoad({ inFlight, speed }: EngineLoad): wire.Load {
  return { inFlightCount: inFlight, speed };
}

/** An absent load is an idle one. */
export function fromWireLoad(message: wire.Load | undefined, fault: WireFault): EngineLoad {
  const read = new WireReader(fault);
  return {
    inFlight: read.atLeast('load.in_flight_count', message?.inFlightCount ?? 0, 0),
    speed: read.atLeast('load.speed', message?.speed ?? 0, 0),
  };
}

export function toWireInstance(instance: EngineInstance): wire.Instance {
  return {
    instanceId: instance.id,
    address: instance.address,
    description: toWireDescription(instance.description),
    load: toWireLoad(instance),
    registerTime: instance.registeredAt,
    lastSeenTime: instance.lastSeenAt,
    stats: toWireStats(instance.stats),
    breaker: toWireBreaker(instance.breaker),
  };
}

/** The part of an instance that it tells of itself. */
export function fromWireAnnouncement(
  message: Pick<wire.RegisterRequest, 'instanceId' | 'address' | 'description' | 'load'>,
  fault: WireFault,
): EngineAnnouncement {
  const read = new WireReader(fault);
  const address = read.filledName('address', message.address);
  if (!addressPattern.test(address)) read.fail('address', 'is not host:port');
  return {
    id: read.filledName('instance_id', message.instanceId),
    address,
    description: fromWireDescription(message.description, fault),
    ...fromWireLoad(message.load, fault),
  };
}

/** @throws PolyscribeError with the code `fault` that names the field which is missing or cannot be */
export function fromWireInstance(message: wire.Instance, fault: WireFault): EngineInstance {
  const read = new WireReader(fault);
  const announced = fromWireAnnouncement(message, fault);
  const registeredAt = read.present('register_time', message.registerTime);
  return {
    ...announced,
    registeredAt,
    lastSeenAt: read.present('last_seen_time', message.lastSeenTime),
    stats: fromWireStats(message.stats, read),
    breaker: fromWireBreaker(message.breaker, registeredAt, read),
  };
}
