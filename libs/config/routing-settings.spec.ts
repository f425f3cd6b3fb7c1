import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultRules } from '#routing';
import { loadConfig } from './config.js';

function routing(table: unknown) {
  return loadConfig({ ROUTING_POLICY: JSON.stringify(table) }).routing;
}

describe('ROUTING_POLICY', () => {
  it('is our own rules and no costs where it is unset', () => {
    expect(loadConfig({}).routing).toEqual({ rules: defaultRules, costs: {} });
  });

  it('puts the rules of the table before our own', () => {
    const table = [
      { profiles: ['precise'], languages: ['DE', 'pt-br', 'und', '*'], policy: 'prefer', engines: ['asr', 'asr'] },
      { policy: 'least-loaded' },
    ];
    expect(routing(table).rules).toEqual([
      {
        profiles: ['precise'],
        languages: ['de', 'pt-BR', 'und', '*'],
        policy: { kind: 'prefer', engines: ['asr'] },
      },
      { policy: { kind: 'least-loaded' } },
      ...defaultRules,
    ]);
  });

  it('takes an empty table', () => {
    expect(routing([]).rules).toEqual(defaultRules);
  });

  it('reads a file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'polyscribe-routing-'));
    try {
      const path = join(folder, 'routing.json');
      writeFileSync(path, ' [{"policy":"cheapest"}]\n');
      expect(loadConfig({ ROUTING_POLICY: path }).routing.rules[0]).toEqual({ policy: { kind: 'cheapest' } });
      writeFileSync(path, 'secret: hunter2');
      const load = () => loadConfig({ ROUTING_POLICY: path });
      expect(load).toThrow('ROUTING_POLICY must be a JSON list of rules, or the path of such a file.');
      expect(load).not.toThrow(/hunter2/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('stops the start where the file is not there', () => {
    expect(() => loadConfig({ ROUTING_POLICY: '/nowhere/routing.json' })).toThrow(
      /ROUTING_POLICY must be the path of a file that can be read \(ENOENT\)/,
    );
  });

  it.each([
    ['a rule that is none', [1], /rule 1 must be an object/],
    ['no policy', [{}], /rule 1, policy must be one of prefer, fastest, least-loaded, cheapest/],
    ['an unknown policy', [{ policy: 'best' }], /rule 1, policy must be one of/],
    ['an order without a name', [{ policy: 'prefer' }], /rule 1, engines must name the order for prefer/],
    ['an order for another policy', [{ policy: 'fastest', engines: ['asr'] }], /engines has no meaning for fastest/],
    ['an unknown engine', [{ policy: 'prefer', engines: ['asr', 'auto'] }], /engines 2 must be one of asr, whisperx/],
    ['an unknown profile', [{ policy: 'fastest', profiles: ['slow'] }], /profiles 1 must be one of fast, balanced/],
    ['no language', [{ policy: 'fastest', languages: ['english!'] }], /languages 1 must be a language such as en/],
    ['an empty list', [{ policy: 'fastest', languages: [] }], /languages must not be empty/],
    ['a misspelt key', [{ policy: 'fastest' }, { policy: 'fastest', profile: 'fast' }], /rule 2 .*"profile"/],
    ['too many rules', Array.from({ length: 201 }, () => ({ policy: 'fastest' })), /it must have at most 200 rules/],
  ])('stops the start on %s', (_title, table, message) => {
    expect(() => routing(table)).toThrow(/^Bad configuration: ROUTING_POLICY is no table of rules: /);
    expect(() => routing(table)).toThrow(message);
  });

  it('stops the start on broken JSON', () => {
    expect(() => loadConfig({ ROUTING_POLICY: '{"policy":"fastest"}' })).toThrow(/it must be a list of rules/);
    expect(() => loadConfig({ ROUTING_POLICY: '[{"policy":' })).toThrow(/ROUTING_POLICY must be a JSON list of rules/);
  });
});

describe('ENGINE_COSTS', () => {
  it('is what an hour costs at each kind that is named', () => {
    expect(loadConfig({ ENGINE_COSTS: ' asr=0.9, whisperx = 0.25 ' }).routing.costs).toEqual({
      asr: 0.9,
      whisperx: 0.25,
    });
  });

  it.each([
    'asr',
    'asr=',
    'asr=cheap',
    'asr=-1',
    'asr=1e3',
    'dragon=1',
    'asr=1,asr=2',
    'asr=1=2',
    'asr=1,',
    'asr=1000001',
  ])('stops the start on %j', (costs) => {
    expect(() => loadConfig({ ENGINE_COSTS: costs })).toThrow(/ENGINE_COSTS must be asr=NUMBER, whisperx=NUMBER or/);
  });
});
