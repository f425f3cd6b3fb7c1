import type { EngineAnnouncement, EngineDescription } from '#contracts';
import { defaultBreakerSettings } from './breaker.js';
import { LeaseTable } from './lease-table.js';

const description: EngineDescription = {
  engine: 'local',
  capabilities: {
    languages: ['en'],
    models: [],
    defaultModel: '',
    languageDetection: false,
    wordTimestamps: false,
    diarization: false,
    phraseBoosting: false,
    partialResults: false,
    translation: false,
    confidence: false,
    punctuationControl: false,
    profanityFilter: false,
    verbatim: false,
    maxAudioMs: undefined,
    maxConcurrency: 1,
  },
  health: { state: 'serving', reason: '' },
  backendUri: '',
  version: '1',
};
const idle = { description, inFlight: 0, speed: 0 };
const settings = { leaseMs: 10_000, heartbeatMs: 3_000, sweepMs: 1_000, maxInstances: 3 };

function announcement(id: string): EngineAnnouncement {
  return { id, address: '127.0.0.1:5000', ...idle };
}

describe('LeaseTable', () => {
  let nowMs: number;
  let leases: LeaseTable;

  beforeEach(() => {
    nowMs = 1_000;
    leases = new LeaseTable(settings, defaultBreakerSettings, {
      monotonicMs: () => nowMs,
      date: () => new Date(nowMs),
    });
  });

  function ids(): string[] {
    return leases.snapshot().instances.map((instance) => instance.id);
  }

  /** Lets time pass with a sweep each second, as the service does. */
  function pass(ms: number): string[] {
    const dropped: string[] = [];
    for (let left = ms; left > 0; left -= 1_000) {
      nowMs += 1_000;
      dropped.push(...leases.sweep().map((instance) => instance.id));
    }
    return dropped;
  }

  it('lists instances in order of id', () => {
    for (const id of ['b', 'c', 'a']) leases.register(announcement(id));
    expect(ids()).toEqual(['a', 'b', 'c']);
  });

  it('drops an instance that is silent for longer than its lease, and only then', () => {
    leases.register(announcement('a'));
    expect(pass(9_000)).toEqual([]);
    expect(pass(1_000)).toEqual(['a']);
    expect(ids()).toEqual([]);
  });

  it('keeps an instance that beats', () => {
    const { leaseId } = leases.register(announcement('a'));
    for (let beat = 0; beat < 10; beat += 1) {
      expect(pass(3_000)).toEqual([]);
      leases.renew(leaseId, idle);
    }
    expect(ids()).toEqual(['a']);
  });

  it('says not found to a lease that ended', () => {
    const { leaseId } = leases.register(announcement('a'));
    pass(10_000);
    expect(() => leases.renew(leaseId, idle)).toThrow(expect.objectContaining({ code: 'not_found' }) as Error);
  });

  it('replaces the lease of an instance that registers again', () => {
    const first = leases.register(announcement('a'));
    const second = leases.register(announcement('a'));
    expect(ids()).toEqual(['a']);
    expect(() => leases.renew(first.leaseId, idle)).toThrow('register again');
    leases.remove(first.leaseId);
    expect(ids()).toEqual(['a']);
    leases.remove(second.leaseId);
    expect(ids()).toEqual([]);
  });

  it('takes no more instances than it may hold, but those it holds may register again', () => {
    for (const id of ['a', 'b', 'c']) leases.register(announcement(id));
    expect(() => leases.register(announcement('d'))).toThrow(
      expect.objectContaining({ code: 'rate_limited' }) as Error,
    );
    expect(() => leases.register(announcement('c'))).not.toThrow();
  });

  it('raises its revision for news, not for a beat that brings none', () => {
    const { leaseId } = leases.register(announcement('a'));
    const { revision } = leases.snapshot();
    leases.renew(leaseId, idle);
    expect(leases.snapshot().revision).toBe(revision);
    leases.renew(leaseId, { ...idle, inFlight: 1 });
    expect(leases.snapshot().revision).toBe(revision + 1);
    const unwell = { ...description, health: { state: 'unavailable', reason: 'away' } } as const;
    leases.renew(leaseId, { ...idle, inFlight: 1, description: unwell });
    expect(leases.snapshot().revision).toBe(revision + 2);
  });

  it('tells watchers after a while when instances were last seen, though nothing else changed', () => {
    const { leaseId } = leases.register(announcement('a'));
    const { revision } = leases.snapshot();
    pass(3_000);
    expect(leases.snapshot().revision).toBe(revision);
    leases.renew(leaseId, idle);
    pass(1_000);
    expect(leases.snapshot().revision).toBe(revision + 1);
  });

  it('does not blame instances for the time in which it was asleep itself', () => {
    leases.register(announcement('a'));
    pass(2_000);
    nowMs += 3_600_000;
    expect(leases.sweep()).toEqual([]);
    expect(pass(10_000)).toEqual(['a']);
  });
});
