import type { EngineInstance, EngineKind } from '#contracts';
import type { RoutingRequest } from './routing-request.js';
import type { RoutingSettings } from './routing-policy.js';

/** What a request whose length is not known is taken to be. */
const USUAL_AUDIO_MS = 60_000;

/** One success in twenty tries: beyond that it makes no difference, and an instance that always failed stays comparable. */
const MOST_ERROR_RATE = 0.95;

/** Seconds of work for a second of audio, until workers have measured an instance: what such backends usually give. */
const usualRealTimeFactor: Readonly<Record<EngineKind, number>> = { asr: 0.03, local: 0.06, whisperx: 0.1 };

/** What an instance would be for one request. */
export interface Figures {
  /** Tries that one success takes at the observed error rate: 1 / (1 - error rate). */
  readonly triesPerSuccess: number;
  /** Share of its places that is taken with this call among them, times the tries. */
  readonly load: number;
  /** Seconds until the audio is done: (queue time + real-time factor x length), times the tries. */
  readonly expectedSeconds: number;
  /** What the audio costs: cost of an hour x length, times the tries. */
  readonly cost: number;
}

export function figuresOf(request: RoutingRequest, instance: EngineInstance, settings: RoutingSettings): Figures {
  const { stats, inFlight, description } = instance;
  const { engine, capabilities } = description;
  const audioSeconds = (request.audioMs ?? USUAL_AUDIO_MS) / 1000;
  const triesPerSuccess = 1 / (1 - Math.min(stats.errorRate, MOST_ERROR_RATE));
  const callSeconds = stats.queueMs / 1000 + realTimeFactorOf(instance) * audioSeconds;
  return {
    triesPerSuccess,
    load: ((inFlight + 1) / capabilities.maxConcurrency) * triesPerSuccess,
    expectedSeconds: callSeconds * triesPerSuccess,
    cost: (((settings.costs[engine] ?? 0) * audioSeconds) / 3600) * triesPerSuccess,
  };
}

/** What workers measured comes before what the instance says of itself: it has the way to the instance in it. */
function realTimeFactorOf({ stats, speed, description }: EngineInstance): number {
  if (stats.realTimeFactor !== undefined) return stats.realTimeFactor;
  return speed > 0 ? 1 / speed : usualRealTimeFactor[description.engine];
}
