import type { EngineInstance } from '#contracts';

/**
 * What several registries say, as one list. An instance is known as long as one connected registry lists it. What a lost
 * registry alone knew, and everything while none is connected, is kept until a grace has passed in which it may be listed
 * again. Times are monotonic milliseconds.
 */
export class MergedInstances {
  /** The newest list of each connected registry. */
  private readonly lists = new Map<string, readonly EngineInstance[]>();
  /** What no connected registry lists, by id. */
  private readonly kept = new Map<string, EngineInstance>();
  private keepUntilMs = Infinity;

  constructor(private readonly graceMs: number) {}

  /** Whether one registry at least is connected. */
  get connected(): boolean {
    return this.lists.size > 0;
  }

  /** When `expire` has something to do; undefined while nothing is kept for a limited time. */
  get expiresAtMs(): number | undefined {
    return this.kept.size > 0 && this.connected ? this.keepUntilMs : undefined;
  }

  heard(registry: string, list: readonly EngineInstance[], nowMs: number): void {
    // A registry that was restarted knows an instance again only after its next heartbeat.
    if (!this.lists.has(registry)) this.keepUntilMs = nowMs + this.graceMs;
    this.lists.set(registry, list);
    // Whatever a registry lists is its to drop from now on.
    for (const { id } of list) this.kept.delete(id);
  }

  /** Takes a registry that is not connected for no change. */
  lost(registry: string, nowMs: number): void {
    const last = this.lists.get(registry);
    if (!last) return;
    this.lists.delete(registry);
    const listed = this.freshest();
    for (const instance of last) if (!listed.has(instance.id)) this.kept.set(instance.id, instance);
    this.keepUntilMs = nowMs + this.graceMs;
  }

  /** Forgets what was kept for long enough. */
  expire(nowMs: number): void {
    if (this.expiresAtMs !== undefined && nowMs >= this.expiresAtMs) this.kept.clear();
  }

  /** In order of id. */
  all(): readonly EngineInstance[] {
    const instances = [...this.kept.values(), ...this.freshest().values()];
    return instances.sort((a, b) => (a.id < b.id ? -1 : Number(a.id > b.id)));
  }

  /** Each listed instance with the best that any registry knows of it. */
  private freshest(): Map<string, EngineInstance> {
    const found = new Map<string, EngineInstance>();
    for (const instance of [...this.lists.values()].flat()) {
      const other = found.get(instance.id);
      found.set(instance.id, other ? merged(other, instance) : instance);
    }
    return found;
  }
}

/**
 * The registry that heard from the instance last is believed about its load and health, and the one that was told of the
 * most calls about the figures: another may have been started since. A breaker that one registry holds open counts as open
 * everywhere: that another knows of no fault is no proof that the instance is well.
 */
function merged(one: EngineInstance, other: EngineInstance): EngineInstance {
  const heardLast = one.lastSeenAt < other.lastSeenAt ? other : one;
  const toldMost = one.stats.calls < other.stats.calls ? other : one;
  const strictest = strictness(one) < strictness(other) ? other : one;
  return { ...heardLast, stats: toldMost.stats, breaker: strictest.breaker };
}

function strictness({ breaker }: EngineInstance): number {
  return ['closed', 'half_open', 'open'].indexOf(breaker.state);
}
