import { scriptedFixtures } from '../scripted-fixtures.js';
import { BrokenEngine, faults } from './broken-engines.js';
import { rulesBrokenBy, speechEngineRules } from './speech-engine.contract.js';

describe('the SpeechEngine contract', () => {
  it('has a broken engine for each of its rules', () => {
    expect(Object.keys(faults).sort()).toEqual(speechEngineRules.map((rule) => rule.title).sort());
  });

  it.each(Object.entries(faults))('catches an engine that breaks: %s', async (title, fault) => {
    await expect(rulesBrokenBy(new BrokenEngine(fault()), scriptedFixtures)).resolves.toEqual([title]);
  });
});
