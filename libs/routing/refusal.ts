import { type EngineCapabilities, type ErrorCode, PolyscribeError } from '#contracts';
import { lackCodes } from './requirements.js';
import type { Rejection, RoutingDecision } from './route.js';
import type { RoutingRequest } from './routing-request.js';

/** An adapter that was restarted is back within that time. */
const NO_ENGINE_RETRY_AFTER_MS = 15_000;

/**
 * The error for a request that nobody who is known could ever serve; undefined when somebody can, now or when it is up and
 * has room again. With no instance at all, a request that any engine may serve waits, and one that needs a named engine
 * is `no_engine`.
 *
 * @returns `unsupported_language`, `model_not_found`, `unsupported_feature`, `payload_too_large` or `no_engine`, with what
 *   there is instead
 */
export function refusal(request: RoutingRequest, decision: RoutingDecision): PolyscribeError | undefined {
  if (decision.candidates.length > 0 || decision.rejections.some((rejection) => !rejection.permanent)) return undefined;
  const eligible = decision.rejections.filter((rejection) => rejection.code !== 'other_engine');
  if (eligible.length === 0) return missingEngine(request, decision);

  const nearest = Math.max(...eligible.map(progressOf));
  const reasons = eligible.filter((rejection) => progressOf(rejection) === nearest);
  const [reason] = reasons;
  return reason && lackError(request, reason, reasons);
}

/** How far down the list of requirements an instance came: the nearest miss explains most. */
function progressOf(rejection: Rejection): number {
  return lackCodes.findIndex((code) => code === rejection.code);
}

function missingEngine(request: RoutingRequest, decision: RoutingDecision): PolyscribeError | undefined {
  if (request.engine === 'auto' || request.allowFallback) return undefined;
  const running = list(decision.rejections.map(({ instance }) => instance.description.engine));
  const instead = running === '' ? '' : ` Running: ${running}.`;
  return new PolyscribeError(
    'no_engine',
    `No instance of the engine ${request.engine} is running.${instead} Try again later, name another engine or use auto.`,
    { retryAfterMs: NO_ENGINE_RETRY_AFTER_MS },
  );
}

function lackError(request: RoutingRequest, reason: Rejection, reasons: readonly Rejection[]): PolyscribeError {
  const offered = reasons.map(({ instance }) => instance.description.capabilities);
  const { code, advice } = explanation(reason, offered);
  const pointer = pointers[reason.code];
  const message = `${reason.detail} ${advice}`;
  const fields = pointer === undefined ? [] : [{ pointer, detail: message }];
  return new PolyscribeError(code, request.engine === 'auto' ? `No engine can serve this. ${message}` : message, {
    fields,
  });
}

const pointers: Partial<Record<Rejection['code'], string>> = {
  language: '/language',
  model: '/model',
  translation: '/task',
  diarization: '/enable_diarization',
  word_timestamps: '/word_timestamps',
  punctuation_control: '/punctuation',
  profanity_filter: '/profanity_filter',
  verbatim: '/verbatim',
  engine_option: '/engine_options',
};

function explanation(
  reason: Rejection,
  offered: readonly EngineCapabilities[],
): { readonly code: ErrorCode; readonly advice: string } {
  if (reason.code === 'language') {
    return { code: 'unsupported_language', advice: `Offered: ${list(offered.flatMap((o) => o.languages))}.` };
  }
  if (reason.code === 'model') {
    const models = list(offered.flatMap((o) => o.models));
    return { code: 'model_not_found', advice: models === '' ? 'Leave the model out.' : `Offered: ${models}.` };
  }
  if (reason.code === 'audio_too_long') {
    return { code: 'payload_too_large', advice: 'Send a shorter file or choose another engine.' };
  }
  const advice = 'Leave it out, choose another engine, or ask for a warning instead of a refusal.';
  return { code: 'unsupported_feature', advice };
}

/** At most twenty distinct names, sorted: some engines know a hundred languages. */
function list(names: readonly string[]): string {
  const distinct = [...new Set(names)].sort();
  const shown = distinct.slice(0, 20).join(', ');
  return distinct.length > 20 ? `${shown} and ${distinct.length - 20} more` : shown;
}
