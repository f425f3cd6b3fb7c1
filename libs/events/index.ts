import type { EventBus } from './event-bus.port.js';
import { PostgresEventBus, type PostgresEventBusOptions } from './postgres.event-bus.js';

export * from './event-bus.port.js';

/** The event bus that the configuration asks for. Connects at the first call. */
export function createEventBus(options: PostgresEventBusOptions): EventBus {
  return new PostgresEventBus(options);
}
