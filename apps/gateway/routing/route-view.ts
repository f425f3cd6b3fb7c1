import {
  type BreakerState,
  type EngineInstance,
  type EngineKind,
  type ErrorCode,
  errorTable,
  type FieldError,
  type PolyscribeError,
} from '#contracts';
import { figuresOf, type RoutingDecision, type RoutingRequest, type RoutingSettings } from '#routing';

export interface RouteView {
  policy: { kind: string; engines?: readonly EngineKind[] };
  /** Whether a submission would be taken. */
  accepted: boolean;
  /** Why not. */
  refusal?: { code: ErrorCode; status: number; detail: string; errors?: readonly FieldError[] };
  last_resort: boolean;
  /** Length of the engine call that was routed, in seconds; null where the length of the audio was not given. */
  call_s: number | null;
  candidates: CandidateView[];
  rejections: { instance: string; engine: EngineKind; code: string; detail: string; permanent: boolean }[];
}

export interface CandidateView {
  instance: string;
  engine: EngineKind;
  /** What put it behind the one before it; absent for the first. */
  behind_by?: string;
  rank: { name: string; value: number }[];
  figures: {
    expected_s: number;
    cost: number;
    load: number;
    /** null where nobody has measured it. */
    real_time_factor: number | null;
    error_rate: number;
    queue_ms: number;
    in_flight: number;
    capacity: number;
    breaker: BreakerState;
  };
}

/** A decision as clients read it. */
export function routeView(
  request: RoutingRequest,
  decision: RoutingDecision,
  refusal: PolyscribeError | undefined,
  settings: RoutingSettings,
): RouteView {
  return {
    policy: { ...decision.policy },
    accepted: refusal === undefined,
    ...(refusal && { refusal: refusalView(refusal) }),
    last_resort: decision.isLastResort,
    call_s: request.audioMs === undefined ? null : request.audioMs / 1000,
    candidates: decision.candidates.map(({ instance, rank, behindBy }) => ({
      instance: instance.id,
      engine: instance.description.engine,
      ...(behindBy && { behind_by: behindBy }),
      rank: rank.map(({ name, value }) => ({ name, value: rounded(value) })),
      figures: figuresView(request, instance, settings),
    })),
    rejections: decision.rejections.map(({ instance, code, detail, permanent }) => ({
      instance: instance.id,
      engine: instance.description.engine,
      ...{ code, detail, permanent },
    })),
  };
}

function refusalView({ code, message, fields }: PolyscribeError): NonNullable<RouteView['refusal']> {
  const { httpStatus: status } = errorTable[code];
  return { code, status, detail: message, ...(fields.length > 0 && { errors: fields }) };
}

function figuresView(
  request: RoutingRequest,
  instance: EngineInstance,
  settings: RoutingSettings,
): CandidateView['figures'] {
  const { expectedSeconds, cost, load } = figuresOf(request, instance, settings);
  const { stats, breaker, inFlight, description } = instance;
  return {
    expected_s: rounded(expectedSeconds),
    cost: rounded(cost),
    load: rounded(load),
    real_time_factor: stats.realTimeFactor === undefined ? null : rounded(stats.realTimeFactor),
    error_rate: rounded(stats.errorRate),
    queue_ms: Math.round(stats.queueMs),
    in_flight: inFlight,
    capacity: description.capabilities.maxConcurrency,
    breaker: breaker.state,
  };
}

function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
