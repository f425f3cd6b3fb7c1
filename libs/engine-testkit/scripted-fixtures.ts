import type { EngineFixtures } from './contract/engine-rule.js';
import { scriptedSpeech } from './scripted-speech.js';

/** For contract runs of scripted engines: three sentences by two voices. */
export const scriptedFixtures: EngineFixtures = {
  speech: scriptedSpeech([
    ['alpha', 'bravo', 'charlie'],
    ['papa', 'oscar'],
    ['delta', 'echo', 'foxtrot', 'golf'],
  ]),
  expected: /^alpha bravo charlie papa oscar delta echo foxtrot golf$/,
  language: 'en',
};
