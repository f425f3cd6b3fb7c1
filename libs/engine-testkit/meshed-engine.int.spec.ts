import { speechEngineContract } from './contract/speech-engine.contract.js';
import { MeshedEngine } from './meshed-engine.js';
import { ScriptedEngine } from './scripted-engine.js';
import { overGrpc, scriptedFixtures } from './scripted-fixtures.js';

speechEngineContract(
  'ScriptedEngine over gRPC',
  () => new MeshedEngine(new ScriptedEngine()),
  overGrpc(scriptedFixtures),
);
