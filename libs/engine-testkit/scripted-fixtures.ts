import type { EngineFixtures } from './contract/engine-rule.js';
import { scriptedSpeech } from './scripted-speech.js';

/**
 * For runs over gRPC: there the events of many minutes fit into one flow control window (64 KiB), so an engine runs on for
 * that long though nobody pulls.
 */
export function overGrpc(fixtures: EngineFixtures): EngineFixtures {
  return { ...fixtures, maxLookAheadMs: 1_800_000 };
}

/** For contract runs of scripted engines: three sentences by two voices. */
export const scriptedFixtures: EngineFixtures = {
  speech: scriptedSpeech([
    ['alpha', 'bravo', 'charlie'],
    ['papa', 'oscar'],
    ['delta', 'echo', 'foxtrot', 'golf'],
  ]),
  expected: /alpha bravo charlie\s+papa oscar\s+delta echo foxtrot golf/,
  language: 'en',
};
