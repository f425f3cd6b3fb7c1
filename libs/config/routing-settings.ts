import { z } from 'zod';
import { engineKinds, normalizeLanguage, profiles } from '#contracts';
import { defaultRules, policyKinds, type RoutingPolicy, type RoutingRule, type RoutingSettings } from '#routing';
import { ConfigError } from './config-error.js';
import type { Env } from './env-schema.js';
import { readVariable } from './tls-files.js';

/** Far more than anybody writes; each request looks through them. */
const MAX_RULES = 200;

const language = z.string({ error: 'must be a text' }).transform((tag, context) => {
  const normal = tag === '*' ? tag : normalizeLanguage(tag);
  if (normal === undefined) {
    context.addIssue({ code: 'custom', message: 'must be a language such as en or pt-BR, or und for none named' });
  }
  return normal ?? '';
});

function several<T extends z.ZodType>(entry: T) {
  return z.array(entry, { error: 'must be a list' }).min(1, { error: 'must not be empty' }).optional();
}

function oneOf<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, { error: `must be one of ${values.join(', ')}` });
}

const rule = z
  .strictObject(
    {
      profiles: several(oneOf(profiles)),
      languages: several(language),
      policy: oneOf(policyKinds),
      engines: several(oneOf(engineKinds)),
    },
    { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : 'must be an object') },
  )
  .superRefine(({ policy, engines }, context) => {
    if ((policy === 'prefer') === (engines !== undefined)) return;
    const message = policy === 'prefer' ? 'must name the order for prefer' : `has no meaning for ${policy}`;
    context.addIssue({ code: 'custom', path: ['engines'], message });
  });

const rules = z
  .array(rule, { error: 'must be a list of rules' })
  .max(MAX_RULES, { error: `must have at most ${MAX_RULES} rules` });

/**
 * The operator's rules before our own: a table of one rule changes what it names and nothing else.
 *
 * @throws ConfigError that names the variable and the place in the table
 */
export function routingSettings(e: Pick<Env, 'ROUTING_POLICY' | 'ENGINE_COSTS'>): RoutingSettings {
  const own = e.ROUTING_POLICY === undefined ? [] : parseRules(e.ROUTING_POLICY);
  return { rules: [...own, ...defaultRules], costs: e.ENGINE_COSTS };
}

function parseRules(value: string): RoutingRule[] {
  // A table in braces is a mistake that deserves to be told as one, not a path.
  const isTable = /^\s*[[{]/.test(value);
  const text = isTable ? value : readVariable('ROUTING_POLICY', value).toString('utf8');
  const parsed = rules.safeParse(parseJson(text));
  if (parsed.success) return parsed.data.map((one) => routingRule(one));
  const faults = parsed.error.issues.slice(0, 5).map((issue) => `${place(issue.path)} ${issue.message}`);
  throw new ConfigError(`Bad configuration: ROUTING_POLICY is no table of rules: ${faults.join('; ')}.`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's message repeats the text, which may be that of any file.
    throw new ConfigError(
      'Bad configuration: ROUTING_POLICY must be a JSON list of rules, or the path of such a file.',
    );
  }
}

/** Such as `rule 2, languages 1`, counted from 1. */
function place(path: readonly PropertyKey[]): string {
  const [index, ...rest] = path.map((part) => (typeof part === 'number' ? String(part + 1) : String(part)));
  return index === undefined ? 'it' : [`rule ${index}`, ...(rest.length > 0 ? [rest.join(' ')] : [])].join(', ');
}

function routingRule({ profiles: forProfiles, languages, policy, engines }: z.output<typeof rule>): RoutingRule {
  return {
    ...(forProfiles && { profiles: forProfiles }),
    ...(languages && { languages }),
    policy: routingPolicy(policy, engines ?? []),
  };
}

function routingPolicy(kind: RoutingPolicy['kind'], engines: Extract<RoutingPolicy, { kind: 'prefer' }>['engines']) {
  return kind === 'prefer' ? { kind, engines: [...new Set(engines)] } : { kind };
}
