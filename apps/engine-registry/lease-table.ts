import { randomUUID } from 'node:crypto';
import {
  type EndedCall,
  type EngineAnnouncement,
  type EngineInstance,
  PolyscribeError,
  type RegistrySnapshot,
} from '#contracts';
import { ChangeSignal } from '#grpc';
import { type BreakerSettings, defaultBreakerSettings, type ProbeOutcome } from './breaker.js';
import { InstanceHealth } from './instance-health.js';
import { type RegistryClock, systemClock } from './registry-clock.js';

export interface LeaseSettings {
  /** An instance is dropped when it is silent for longer. */
  readonly leaseMs: number;
  /** How often instances are asked to beat: three beats may get lost before a lease ends. */
  readonly heartbeatMs: number;
  /** How often ended leases are looked for. */
  readonly sweepMs: number;
  /** More are refused, so that no caller can fill the memory. */
  readonly maxInstances: number;
}

export const defaultLeaseSettings: LeaseSettings = {
  leaseMs: 10_000,
  heartbeatMs: 3_000,
  sweepMs: 1_000,
  maxInstances: 1_000,
};

/** What an instance tells with each heartbeat. */
export type Beat = Pick<EngineInstance, 'description' | 'inFlight' | 'speed'>;

interface Lease {
  readonly leaseId: string;
  instance: Omit<EngineInstance, 'stats' | 'breaker'>;
  readonly health: InstanceHealth;
  expiresAtMs: number;
}

/** The instances that are up, in memory: whoever stops beating is dropped. */
export class LeaseTable {
  private readonly byLease = new Map<string, Lease>();
  private readonly byInstance = new Map<string, Lease>();
  /** Its revision is that of the table. */
  readonly changes = new ChangeSignal();
  private lastSweepMs: number;
  private lastNoticeMs: number;
  private heardSinceNotice = false;
  private measuredSinceNotice = false;

  constructor(
    readonly settings: LeaseSettings = defaultLeaseSettings,
    private readonly breakerSettings: BreakerSettings = defaultBreakerSettings,
    private readonly clock: RegistryClock = systemClock,
  ) {
    this.lastSweepMs = clock.monotonicMs();
    this.lastNoticeMs = this.lastSweepMs;
  }

  /**
   * Gives the instance a new lease; an earlier one of the same instance ends.
   *
   * @throws PolyscribeError `rate_limited` when the table is full
   */
  register(announcement: EngineAnnouncement): { leaseId: string } {
    const earlier = this.byInstance.get(announcement.id);
    if (!earlier && this.byInstance.size >= this.settings.maxInstances) {
      throw new PolyscribeError('rate_limited', 'The registry holds as many instances as it takes.', {
        retryAfterMs: this.settings.leaseMs,
      });
    }
    if (earlier) this.byLease.delete(earlier.leaseId);
    const now = this.clock.date();
    const lease: Lease = {
      leaseId: randomUUID(),
      instance: { ...announcement, registeredAt: earlier?.instance.registeredAt ?? now, lastSeenAt: now },
      health: earlier?.health ?? new InstanceHealth(this.breakerSettings, this.clock),
      expiresAtMs: this.clock.monotonicMs() + this.settings.leaseMs,
    };
    this.byLease.set(lease.leaseId, lease);
    this.byInstance.set(announcement.id, lease);
    this.notice();
    return { leaseId: lease.leaseId };
  }

  /** @throws PolyscribeError `not_found` for a lease that ended or never was: the instance registers again */
  renew(leaseId: string, beat: Beat): void {
    const lease = this.byLease.get(leaseId);
    if (!lease) throw new PolyscribeError('not_found', 'This lease is not known; register again.');
    const { description, inFlight, speed } = beat;
    const before = lease.instance;
    lease.instance = { ...before, description, inFlight, speed, lastSeenAt: this.clock.date() };
    lease.expiresAtMs = this.clock.monotonicMs() + this.settings.leaseMs;
    this.heardSinceNotice = true;
    const isNews =
      before.inFlight !== inFlight ||
      before.speed !== speed ||
      JSON.stringify(before.description) !== JSON.stringify(description);
    if (isNews) this.notice();
  }

  /** Ends a lease; an unknown one is no error. */
  remove(leaseId: string): void {
    const lease = this.byLease.get(leaseId);
    if (!lease) return;
    this.drop(lease);
    this.notice();
  }

  /** Drops the instances that have been silent for too long. @returns those dropped */
  sweep(): EngineInstance[] {
    const now = this.clock.monotonicMs();
    this.forgiveOwnSleep(now);
    const ended = [...this.byLease.values()].filter((lease) => lease.expiresAtMs <= now);
    for (const lease of ended) this.drop(lease);
    // Beats that bring nothing new wake no watcher; this keeps what they know of `lastSeenAt` fresh all the same.
    const isStale = this.heardSinceNotice && now - this.lastNoticeMs >= this.settings.heartbeatMs;
    if (ended.length > 0 || isStale || this.measuredSinceNotice) this.notice();
    return ended.map(toInstance);
  }

  /**
   * Takes how calls went; those of instances that are not known are left out. Watchers learn of a breaker at once and of
   * figures with the next sweep.
   *
   * @returns the instances whose breaker was opened or closed by it
   */
  report(calls: readonly EndedCall[]): EngineInstance[] {
    const changed = new Map<string, Lease>();
    for (const call of calls) {
      const lease = this.byInstance.get(call.instanceId);
      if (!lease) continue;
      const before = lease.health.breaker.state;
      lease.health.add(call);
      if (lease.health.breaker.state !== before) changed.set(call.instanceId, lease);
      this.measuredSinceNotice = true;
    }
    if (changed.size > 0) this.notice();
    return [...changed.values()].map(toInstance);
  }

  /**
   * Takes instances whose breaker is to be probed now; `probeEnded` gives each back. An instance that says itself that it
   * cannot serve is not probed.
   */
  takeDueProbes(atMost: number): EngineInstance[] {
    const due = [...this.byInstance.values()]
      .filter(({ instance, health }) => health.isProbeDue && instance.description.health.state === 'serving')
      .slice(0, atMost);
    for (const { health } of due) health.beginProbe();
    if (due.length > 0) this.notice();
    return due.map(toInstance);
  }

  /** @returns the instance as it is now; undefined when it has left meanwhile */
  probeEnded(instanceId: string, outcome: ProbeOutcome): EngineInstance | undefined {
    const lease = this.byInstance.get(instanceId);
    if (!lease) return undefined;
    lease.health.probeEnded(outcome);
    this.notice();
    return toInstance(lease);
  }

  snapshot(): RegistrySnapshot {
    const instances = [...this.byInstance.values()]
      .map(toInstance)
      .sort((a, b) => (a.id < b.id ? -1 : Number(a.id > b.id)));
    return { instances, revision: this.changes.revision };
  }

  /** When this process itself was held up (a suspended machine), the beats it could not hear are not held against anyone. */
  private forgiveOwnSleep(now: number): void {
    const lateMs = now - this.lastSweepMs - this.settings.sweepMs;
    this.lastSweepMs = now;
    if (lateMs <= this.settings.heartbeatMs) return;
    for (const lease of this.byLease.values()) lease.expiresAtMs += lateMs;
  }

  private drop(lease: Lease): void {
    this.byLease.delete(lease.leaseId);
    this.byInstance.delete(lease.instance.id);
  }

  private notice(): void {
    this.lastNoticeMs = this.clock.monotonicMs();
    this.heardSinceNotice = false;
    this.measuredSinceNotice = false;
    this.changes.notify();
  }
}

function toInstance({ instance, health }: Lease): EngineInstance {
  return { ...instance, stats: health.stats, breaker: health.breaker };
}
