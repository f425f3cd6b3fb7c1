import type { EnginesView, EngineView } from './engines.service.js';
import type { InstanceView } from './instance-view.js';

/** How urgently somebody should look at it. */
export type Urgency = 'well' | 'poor' | 'bad';

/** One line of what operators see, for every form in which they see it; the cells are texts. */
export interface EngineRow {
  readonly urgency: Urgency;
  readonly cells: Readonly<Record<Column, string>>;
  /** Sentences that belong to it: why it does not serve, why its breaker is open, what failed last. */
  readonly notes: readonly string[];
}

export const columns = {
  engine: 'engine',
  instance: 'instance',
  address: 'address',
  state: 'state',
  breaker: 'breaker',
  busy: 'in flight',
  speed: 'speed',
  queue: 'queue',
  errorRate: 'errors',
  recentErrors: 'last 5 min',
  up: 'up for',
  seen: 'seen',
} as const;
export type Column = keyof typeof columns;

const NONE = '-';

/** A row for each instance, and one for each kind of engine that has none. */
export function engineRows({ engines }: EnginesView, now: Date): EngineRow[] {
  return Object.values(engines).flatMap((engine) =>
    engine.instances.length === 0
      ? [absentRow(engine)]
      : engine.instances.map((instance) => instanceRow(engine.engine, instance, now)),
  );
}

function absentRow({ engine, reason = '' }: EngineView): EngineRow {
  const nothing = Object.fromEntries(Object.keys(columns).map((column) => [column, NONE])) as Record<Column, string>;
  return { urgency: 'poor', cells: { ...nothing, engine, state: 'absent' }, notes: [plain(reason)] };
}

function instanceRow(engine: string, instance: InstanceView, now: Date): EngineRow {
  const { state, breaker, reason, last_error: lastError, calls } = instance;
  const ago = (since: string): string => `${spanOf(since, now)} ago`;
  return {
    urgency: urgencyOf(instance),
    cells: {
      engine,
      instance: plain(shortId(instance.id)),
      address: plain(instance.address),
      state,
      breaker: breaker.state.replace('_', ' '),
      busy: `${String(instance.in_flight)}/${String(instance.capacity)}`,
      speed: instance.speed === undefined ? NONE : `${String(figure(instance.speed))} x`,
      queue: calls === 0 ? NONE : `${String(figure(instance.queue_s))} s`,
      errorRate: calls === 0 ? NONE : `${String(Math.round(instance.error_rate * 100))} %`,
      recentErrors: String(instance.errors_5m),
      up: spanOf(instance.up_since, now),
      seen: ago(instance.last_seen),
    },
    notes: [
      ...(reason === undefined ? [] : [`${state}: ${plain(reason)}`]),
      ...(breaker.reason === undefined
        ? []
        : [`breaker ${breaker.state.replace('_', ' ')} for ${spanOf(breaker.since, now)}: ${plain(breaker.reason)}`]),
      ...(lastError ? [`last error ${ago(lastError.at)}: ${lastError.code}: ${plain(lastError.message)}`] : []),
    ],
  };
}

function urgencyOf({ state, breaker, errors_5m: recentErrors }: InstanceView): Urgency {
  if (state === 'unavailable' || breaker.state !== 'closed') return 'bad';
  return state === 'serving' && recentErrors === 0 ? 'well' : 'poor';
}

/** Enough of it to tell instances apart; the whole is in the JSON. */
function shortId(id: string): string {
  return id.replace(/-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, '');
}

/** Three digits say enough. */
function figure(value: number): number {
  return Number(value.toPrecision(value >= 100 ? 3 : 2));
}

/** What instances tell of themselves must not move a terminal's cursor or break a line. */
function plain(text: string): string {
  return text.replaceAll(/[\p{C}\p{Z}]+/gu, ' ').trim();
}

const units = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** How long ago that was, in the largest unit that fits. */
function spanOf(since: string, now: Date): string {
  const seconds = Math.max(0, Math.round((now.getTime() - Date.parse(since)) / 1000));
  const [unit, length] = units.find(([, least]) => seconds >= least) ?? ['s', 1];
  return `${String(Math.floor(seconds / length))} ${unit}`;
}
