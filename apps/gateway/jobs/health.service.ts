import { Injectable } from '@nestjs/common';
import { PolyscribeError } from '#contracts';
import { RegistryWatcher } from '#engine-client';
import { EventBus } from '#events';
import { ObjectStore } from '#objects';
import { Database } from '#persistence';
import { JobQueue } from '#queue';
import { withDeadline } from '#timing';

const DEADLINE_MS = 1_500;

export interface ComponentView {
  status: 'up' | 'down';
  detail?: string;
  latency_ms: number;
}

const componentNames = ['database', 'queue', 'events', 'objects', 'registry'] as const;
type ComponentName = (typeof componentNames)[number];

export interface HealthView {
  /** `down`: no work can be taken. `degraded`: work is taken and waits. */
  status: 'up' | 'degraded' | 'down';
  components: Record<ComponentName, ComponentView>;
}

/** How what the gateway stands on is. */
@Injectable()
export class HealthQuery {
  constructor(
    private readonly database: Database,
    private readonly queue: JobQueue,
    private readonly events: EventBus,
    private readonly objects: ObjectStore,
    private readonly registry: RegistryWatcher,
  ) {}

  async view(): Promise<HealthView> {
    const [database, queue, events, objects, registry] = await Promise.all([
      examine('database', this.database.ping()),
      examine('queue', this.queue.ping()),
      examine('event bus', this.events.ping()),
      examine('object store', this.objects.ping()),
      examine('engine registry', this.pingRegistry()),
    ]);
    const components = { database, queue, events, objects, registry };
    const down = componentNames.filter((name) => components[name].status === 'down');
    // Without these two nothing can be accepted; the rest is caught up with later.
    if (down.includes('database') || down.includes('objects')) return { status: 'down', components };
    return { status: down.length > 0 ? 'degraded' : 'up', components };
  }

  private pingRegistry(): Promise<void> {
    if (this.registry.connected) return Promise.resolve();
    return Promise.reject(
      new PolyscribeError('dependency_unavailable', 'The engine registry is away; the last known engines are used.'),
    );
  }
}

async function examine(name: string, ping: Promise<void>): Promise<ComponentView> {
  const startedAt = performance.now();
  const elapsed = (): number => Math.round((performance.now() - startedAt) * 10) / 10;
  try {
    await withDeadline(ping, DEADLINE_MS, `The ${name} did not answer in time; try again later.`);
    return { status: 'up', latency_ms: elapsed() };
  } catch (error) {
    return { status: 'down', detail: PolyscribeError.from(error).message, latency_ms: elapsed() };
  }
}
