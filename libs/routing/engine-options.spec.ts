import type { EngineInstance, EngineKind, EngineOption } from '#contracts';
import { optionRefusal, route, type RoutingRequest } from './index.js';
import { instanceOf, requestWith, snapshotOf } from './testing.js';

const beam: EngineOption = { name: 'beam', description: 'Width of the search.', type: 'integer', min: 1, max: 20 };
const custom: EngineOption = { name: 'custom.*', description: 'Passed on.', type: 'text' };

function taking(engine: EngineKind, id: string, ...options: EngineOption[]): EngineInstance {
  return instanceOf(engine, { id, capabilities: { options } });
}

function asking(engineOptions: RoutingRequest['engineOptions'] & object, changes: Partial<RoutingRequest> = {}) {
  return requestWith({ engineOptions, ...changes });
}

describe('route', () => {
  it('goes to the instance that takes the option', () => {
    const request = asking({ asr: { beam: '5' } });
    const decision = route(request, snapshotOf(taking('asr', 'a', custom), taking('asr', 'b', custom, beam)));
    expect(decision.candidates.map(({ instance }) => instance.id)).toEqual(['b']);
    expect(decision.rejections).toMatchObject([
      { code: 'engine_option', permanent: true, detail: 'The engine option beam of asr is not known here.' },
    ]);
  });

  it('does not look at options for another kind', () => {
    const request = asking({ whisperx: { beam: '5' } });
    expect(route(request, snapshotOf(taking('asr', 'a'))).candidates).toHaveLength(1);
  });

  it('goes to an instance that does not know the key where a warning is enough', () => {
    const request = asking({ asr: { beam: '5' } }, { onUnsupported: 'warn' });
    expect(route(request, snapshotOf(taking('asr', 'a'))).candidates).toHaveLength(1);
  });

  it('never goes to an instance by which the value is wrong', () => {
    const request = asking({ asr: { beam: '50' } }, { onUnsupported: 'warn' });
    expect(route(request, snapshotOf(taking('asr', 'a', beam))).candidates).toEqual([]);
  });
});

describe('optionRefusal', () => {
  const cases: readonly {
    readonly title: string;
    readonly request: RoutingRequest;
    readonly instances: readonly EngineInstance[];
    readonly code?: string;
    readonly fields?: readonly (readonly [pointer: string, detail: RegExp])[];
  }[] = [
    {
      title: 'lets options pass that are taken',
      request: asking({ asr: { beam: '5' } }),
      instances: [taking('asr', 'a', beam)],
    },
    {
      title: 'lets options pass by a prefix',
      request: asking({ asr: { 'custom.x': 'anything' } }),
      instances: [taking('asr', 'a', custom)],
    },
    {
      title: 'refuses a key that is not known',
      request: asking({ asr: { beem: '5' } }),
      instances: [taking('asr', 'a', custom, beam)],
      code: 'unsupported_feature',
      fields: [['/engine_options/asr/beem', /^is not known; asr takes beam, custom\.\*$/]],
    },
    {
      title: 'refuses any key for an engine that takes none',
      request: asking({ local: { beam: '5' } }),
      instances: [instanceOf('local')],
      code: 'unsupported_feature',
      fields: [['/engine_options/local/beam', /local takes none/]],
    },
    {
      title: 'refuses a wrong value',
      request: asking({ asr: { beam: '0' } }),
      instances: [taking('asr', 'a', beam)],
      code: 'invalid_request',
      fields: [['/engine_options/asr/beam', /^must be a whole number from 1 to 20$/]],
    },
    {
      title: 'refuses a wrong value also where a warning would do for a feature',
      request: asking({ asr: { beam: '0' } }, { onUnsupported: 'warn' }),
      instances: [taking('asr', 'a', beam)],
      code: 'invalid_request',
      fields: [['/engine_options/asr/beam', /^must be/]],
    },
    {
      title: 'lets an unknown key pass where a warning is enough',
      request: asking({ asr: { beem: '5' } }, { onUnsupported: 'warn' }),
      instances: [taking('asr', 'a', beam)],
    },
    {
      title: 'points at every option that is wrong, and calls it by the wrong value',
      request: asking({ asr: { beem: '5', beam: 'x' }, local: { y: '1' } }),
      instances: [taking('asr', 'a', beam), instanceOf('local')],
      code: 'invalid_request',
      fields: [
        ['/engine_options/asr/beem', /not known/],
        ['/engine_options/asr/beam', /^must be/],
        ['/engine_options/local/y', /not known/],
      ],
    },
    {
      title: 'lets an option pass that one instance of the kind takes',
      request: asking({ asr: { beam: '5' } }),
      instances: [taking('asr', 'a'), taking('asr', 'b', beam)],
    },
    {
      title: 'says of a wrong value what an instance says that knows the key',
      request: asking({ asr: { beam: '50' } }),
      instances: [taking('asr', 'a'), taking('asr', 'b', beam)],
      code: 'invalid_request',
      fields: [['/engine_options/asr/beam', /^must be/]],
    },
    {
      title: 'lets options pass for a kind of which no instance is known',
      request: asking({ whisperx: { beam: 'x' } }),
      instances: [instanceOf('local')],
    },
    {
      title: 'lets options pass for a kind that may not serve',
      request: asking({ asr: { beem: '5' } }, { engine: 'local', allowFallback: false }),
      instances: [taking('asr', 'a', beam), instanceOf('local')],
    },
    {
      title: 'judges options for a kind that may stand in',
      request: asking({ asr: { beem: '5' } }, { engine: 'local', allowFallback: true }),
      instances: [taking('asr', 'a', beam), instanceOf('local')],
      code: 'unsupported_feature',
      fields: [['/engine_options/asr/beem', /not known/]],
    },
    {
      title: 'judges by an instance that is down: what it takes stays the same',
      request: asking({ asr: { beem: '5' } }),
      instances: [instanceOf('asr', { state: 'unavailable', capabilities: { options: [beam] } })],
      code: 'unsupported_feature',
      fields: [['/engine_options/asr/beem', /not known/]],
    },
  ];

  it.each(cases)('$title', ({ request, instances, code, fields }) => {
    const error = optionRefusal(request, snapshotOf(...instances));
    expect(error?.code).toBe(code);
    expect(error?.fields.map(({ pointer }) => pointer)).toEqual(fields?.map(([pointer]) => pointer));
    for (const [index, [, detail]] of (fields ?? []).entries()) expect(error?.fields[index]?.detail).toMatch(detail);
  });
});
