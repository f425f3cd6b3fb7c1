import { speechEngineContract } from './contract/speech-engine.contract.js';
import { scriptedFixtures } from './scripted-fixtures.js';
import { ScriptedEngine } from './scripted-engine.js';

speechEngineContract('ScriptedEngine with every feature', () => new ScriptedEngine(), scriptedFixtures);

const bare = {
  languageDetection: false,
  wordTimestamps: false,
  diarization: false,
  phraseBoosting: false,
  partialResults: false,
  translation: false,
  confidence: false,
  punctuationControl: false,
  profanityFilter: false,
  verbatim: false,
  maxConcurrency: 1,
};
speechEngineContract(
  'ScriptedEngine with no feature',
  () => new ScriptedEngine({ capabilities: bare }),
  scriptedFixtures,
);
