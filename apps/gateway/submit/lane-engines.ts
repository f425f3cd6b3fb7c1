import { type EngineKind, engineKinds, type JobOptions, PolyscribeError, type RegistrySnapshot } from '#contracts';
import { refusal, route, routingRequestOf, type RoutingSettings } from '#routing';

/** As long as an adapter takes to be back after a restart. */
const RETRY_AFTER_MS = 15_000;

/** With one engine alone there is nothing to compare. */
const FEWEST = 2;

/**
 * The engines that a job of several is to run, preferred first: those that were named, else all that can serve it.
 *
 * @throws PolyscribeError when fewer than two could ever serve: why the first cannot, or `no_engine`
 */
export function laneEngines(
  options: JobOptions,
  snapshot: RegistrySnapshot,
  routing: RoutingSettings,
): readonly EngineKind[] {
  const { candidates, rejections } = route(routingRequestOf(options), snapshot, routing);
  const able = [...candidates, ...rejections.filter(({ permanent }) => !permanent)];
  const kinds = [...new Set(able.map(({ instance }) => instance.description.engine))];
  const named = options.engines;
  if (kinds.filter((kind) => named?.includes(kind) ?? true).length >= FEWEST) return named ?? kinds;
  const missing = (named ?? engineKinds).filter((kind) => !kinds.includes(kind));
  throw tooFew(options, missing, snapshot, routing);
}

function tooFew(
  options: JobOptions,
  missing: readonly EngineKind[],
  snapshot: RegistrySnapshot,
  routing: RoutingSettings,
): PolyscribeError {
  const reasons = missing.flatMap((engine) => {
    const request = { ...routingRequestOf(options), engine, allowFallback: false };
    return refusal(request, route(request, snapshot, routing)) ?? [];
  });
  // What the request asks for and nobody has is worth more than who is not running.
  const code = reasons.find((reason) => reason.code !== 'no_engine')?.code ?? 'no_engine';
  const detail = `${options.engine} needs two engines that can serve. ${reasons.map(({ message }) => message).join(' ')}`;
  return new PolyscribeError(code, detail, {
    fields: [{ pointer: '/engines', detail }],
    ...(code === 'no_engine' ? { retryAfterMs: RETRY_AFTER_MS } : {}),
  });
}
