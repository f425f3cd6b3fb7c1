import {
  type EngineCapabilities,
  type EngineInstance,
  type EngineKind,
  engineKinds,
  optionFault,
  optionFor,
  PolyscribeError,
  type RegistrySnapshot,
} from '#contracts';
import type { RoutingRequest } from './routing-request.js';

/** An engine option that an instance does not take. */
export interface OptionLack {
  readonly key: string;
  /** Whether it does not know the key; otherwise the value is wrong. */
  readonly isUnknown: boolean;
  /** What is wrong, to be read after the key. */
  readonly detail: string;
}

/** What an instance does not take of the options for its kind; keys that it does not know are no lack under `warn`. */
export function optionLacks(
  request: Pick<RoutingRequest, 'engineOptions' | 'onUnsupported'>,
  engine: EngineKind,
  { options = [] }: EngineCapabilities,
): OptionLack[] {
  return Object.entries(request.engineOptions?.[engine] ?? {}).flatMap(([key, text]): OptionLack[] => {
    const option = optionFor(options, key);
    if (!option) return request.onUnsupported === 'warn' ? [] : [{ key, isUnknown: true, detail: 'is not known' }];
    const detail = optionFault(option, text);
    return detail === undefined ? [] : [{ key, isUnknown: false, detail }];
  });
}

/**
 * The error for engine options that no instance of their kind takes, for each kind that may serve the request and of which
 * an instance is registered; undefined when there is none. Without this, a misspelt option would only keep the work from
 * the engine that it was meant for.
 *
 * @returns `invalid_request` for a wrong value, otherwise `unsupported_feature`; the fields point at the options
 */
export function optionRefusal(request: RoutingRequest, { instances }: RegistrySnapshot): PolyscribeError | undefined {
  const mayServe = (kind: EngineKind) => request.engine === 'auto' || request.engine === kind || request.allowFallback;
  const faults = engineKinds.filter(mayServe).flatMap((kind) => {
    const ofKind = instances.filter(({ description }) => description.engine === kind);
    return faultsOf(request, kind, ofKind);
  });
  const [first] = [...faults.filter(({ isUnknown }) => !isUnknown), ...faults];
  if (!first) return undefined;
  const message = `The engine option ${first.key} of ${first.kind} ${first.detail}.`;
  return new PolyscribeError(first.isUnknown ? 'unsupported_feature' : 'invalid_request', message, {
    fields: faults.map(({ kind, key, detail }) => ({ pointer: `/engine_options/${kind}/${key}`, detail })),
  });
}

interface OptionFault extends OptionLack {
  readonly kind: EngineKind;
}

/** Each option that no instance takes, with what one of them says that knows its key. */
function faultsOf(request: RoutingRequest, kind: EngineKind, instances: readonly EngineInstance[]): OptionFault[] {
  const lacks = instances.map(({ description }) => optionLacks(request, kind, description.capabilities));
  if (lacks.length === 0) return [];
  return Object.keys(request.engineOptions?.[kind] ?? {}).flatMap((key): OptionFault[] => {
    const ofKey = lacks.map((ofInstance) => ofInstance.find((lack) => lack.key === key));
    if (ofKey.includes(undefined)) return [];
    const known = ofKey.find((lack) => lack?.isUnknown === false);
    if (known) return [{ kind, ...known }];
    return [{ kind, key, isUnknown: true, detail: `is not known; ${kind} takes ${namesOf(instances)}` }];
  });
}

function namesOf(instances: readonly EngineInstance[]): string {
  const names = instances.flatMap(({ description }) =>
    (description.capabilities.options ?? []).map(({ name }) => name),
  );
  return names.length === 0 ? 'none' : [...new Set(names)].sort().join(', ');
}
