import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Lock, Locker } from '@tus/server';
import { PolyscribeError } from '#contracts';
import type { UploadRepository } from '#persistence';

export interface LockTimes {
  /** A lock outlives its holder by that much at most. */
  readonly leaseMs: number;
  /** How often a holder renews it. */
  readonly renewMs: number;
  /** How long another request waits for it: requests that only ask where an upload stands are over at once. */
  readonly waitMs: number;
}

export const lockTimes: LockTimes = { leaseMs: 15_000, renewMs: 4_000, waitMs: 2_000 };

const POLL_MS = 100;

/** Lets one request at a time work on an upload, whichever gateways they come to: locks are rows that run out. */
export class UploadLocker implements Locker {
  constructor(
    private readonly rows: Pick<UploadRepository, 'lock' | 'renewLock' | 'unlock'>,
    private readonly times: LockTimes = lockTimes,
  ) {}

  newLock(id: string): Lock {
    return new UploadLock(id, this.rows, this.times);
  }
}

class UploadLock implements Lock {
  private readonly token = randomUUID();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly id: string,
    private readonly rows: Pick<UploadRepository, 'lock' | 'renewLock' | 'unlock'>,
    private readonly times: LockTimes,
  ) {}

  /** @throws PolyscribeError `upload_locked` while another request holds it */
  async lock(signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + this.times.waitMs;
    while (!(await this.rows.lock(this.id, this.token, this.times.leaseMs))) {
      if (performance.now() >= deadline || signal.aborted) {
        throw new PolyscribeError(
          'upload_locked',
          'Another request is working on this upload; try again in a moment.',
          {
            retryAfterMs: 1_000,
          },
        );
      }
      await delay(POLL_MS);
    }
    // A renewal that fails is none: the next one may come in time, and pieces are fenced by where they begin.
    this.timer = setInterval(() => void this.renew().catch(() => undefined), this.times.renewMs);
  }

  async unlock(): Promise<void> {
    clearInterval(this.timer);
    // It runs out by itself where the database is away.
    await this.rows.unlock(this.id, this.token).catch(() => undefined);
  }

  private renew(): Promise<void> {
    return this.rows.renewLock(this.id, this.token, this.times.leaseMs);
  }
}
