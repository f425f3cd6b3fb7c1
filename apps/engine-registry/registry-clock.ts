/** Time, so that tests can move it. */
export interface RegistryClock {
  /** Monotonic: leases must not end because somebody set the clock. */
  monotonicMs(): number;
  date(): Date;
}

export const systemClock: RegistryClock = { monotonicMs: () => performance.now(), date: () => new Date() };
