import type { SpeechEngine } from '#contracts';
import { contentRules } from './content.rules.js';
import type { EngineFixtures, EngineRule } from './engine-rule.js';
import { featureRules } from './feature.rules.js';
import { lifeCycleRules } from './life-cycle.rules.js';

/** All promises of the SpeechEngine port. */
export const speechEngineRules: readonly EngineRule[] = [...lifeCycleRules, ...contentRules, ...featureRules];

/**
 * Holds an engine to every promise of the SpeechEngine port, each as a test of its own. The engine is started once for all
 * of them and stopped at the end.
 */
export function speechEngineContract(
  name: string,
  makeEngine: () => SpeechEngine | Promise<SpeechEngine>,
  fixtures: EngineFixtures,
): void {
  describe(`${name} as a SpeechEngine`, () => {
    let engine: SpeechEngine;

    beforeAll(async () => {
      engine = await makeEngine();
      await engine.start();
    }, 120_000);

    afterAll(() => engine.stop());

    it.each(speechEngineRules.map((rule) => [rule.title, rule] as const))(
      '%s',
      async (_title, rule) => {
        await expect(rule.check(engine, fixtures)).resolves.toBeUndefined();
      },
      120_000,
    );
  });
}

/** The titles of the rules that an engine, which has been started, breaks. */
export async function rulesBrokenBy(engine: SpeechEngine, fixtures: EngineFixtures): Promise<string[]> {
  const broken: string[] = [];
  for (const rule of speechEngineRules) {
    try {
      await rule.check(engine, fixtures);
    } catch {
      broken.push(rule.title);
    }
  }
  return broken;
}
