import { type EngineKind, languageMatches, type Profile } from '#contracts';
import type { RoutingRequest } from './routing-request.js';

/** What counts among instances that can all serve a request. */
export type RoutingPolicy =
  /** The engines in this order; the others after them. */
  | { readonly kind: 'prefer'; readonly engines: readonly EngineKind[] }
  /** Who is expected to be done first. */
  | { readonly kind: 'fastest' }
  /** Who has the largest share of its places free. */
  | { readonly kind: 'least-loaded' }
  /** Who costs least. */
  | { readonly kind: 'cheapest' };

export const policyKinds = ['prefer', 'fastest', 'least-loaded', 'cheapest'] as const satisfies readonly [
  RoutingPolicy['kind'],
  ...RoutingPolicy['kind'][],
];

/** The language of a rule that is for requests which name none (BCP-47: undetermined). */
export const UNDETERMINED = 'und';

/** Which policy holds for which requests. */
export interface RoutingRule {
  /** undefined means every profile. */
  readonly profiles?: readonly Profile[];
  /** BCP-47 tags, a bare language covers its regions; undefined means every language. */
  readonly languages?: readonly string[];
  readonly policy: RoutingPolicy;
}

/** How the operator wants requests to be routed. */
export interface RoutingSettings {
  /** The first rule that fits a request decides. */
  readonly rules: readonly RoutingRule[];
  /** What an hour of audio costs at each kind of engine, in any one currency; a kind that is not named costs nothing. */
  readonly costs: Readonly<Partial<Record<EngineKind, number>>>;
}

/**
 * The rules that hold after the operator's own.
 *
 * - `fast` asks for speed, and speed is measured.
 * - English, or whatever is spoken where no language is named, goes to Riva, then WhisperX: Riva streams, and gives words,
 *   speakers and phrases at once. The embedded engine shares its processor with everything else and comes last.
 * - Other languages go to WhisperX first, which was trained on about a hundred; so does `precise`, because WhisperX alone
 *   makes something of it (a larger model and a wider beam).
 */
export const defaultRules: readonly RoutingRule[] = [
  { profiles: ['fast'], policy: { kind: 'fastest' } },
  {
    profiles: ['balanced'],
    languages: ['en', UNDETERMINED],
    policy: { kind: 'prefer', engines: ['asr', 'whisperx', 'local'] },
  },
  { policy: { kind: 'prefer', engines: ['whisperx', 'asr', 'local'] } },
];

export const defaultRouting: RoutingSettings = { rules: defaultRules, costs: {} };

/** The policy for a request: that of the first rule which fits, or `fastest` where none does. */
export function policyFor(request: RoutingRequest, rules: readonly RoutingRule[]): RoutingPolicy {
  return rules.find((rule) => fits(rule, request))?.policy ?? { kind: 'fastest' };
}

function fits({ profiles, languages }: RoutingRule, request: RoutingRequest): boolean {
  if (profiles !== undefined && !profiles.includes(request.profile)) return false;
  const { language } = request;
  if (languages === undefined) return true;
  if (language === undefined) return languages.includes(UNDETERMINED);
  return languages.some((tag) => covers(tag, language));
}

/** One way only: a rule for `en-GB` does not hold for a request that says no more than `en`. */
function covers(tag: string, language: string): boolean {
  return tag.length <= language.length && languageMatches(tag, language);
}
