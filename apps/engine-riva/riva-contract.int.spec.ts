import { type EngineFixtures, MeshedEngine, overGrpc, scriptedFixtures, speechEngineContract } from '#engine-testkit';
import { type RivaScript, type RivaSimulator, startRivaSimulator } from '#riva-simulator';
import { rivaEngine } from './testing/simulated-riva.js';

const fixtures: EngineFixtures = {
  ...scriptedFixtures,
  expected: /Alpha bravo charlie\.\s+Papa oscar\.\s+Delta echo foxtrot golf\./,
};

const offline: RivaScript = {
  models: [{ name: 'parakeet-tdt-0.6b-en-US-asr-offline', type: 'offline', languages: ['en-US'] }],
};

function contractAgainst(name: string, script: RivaScript, env: Record<string, string>, its: EngineFixtures): void {
  describe(`RivaEngine ${name}`, () => {
    let simulator: RivaSimulator;
    beforeAll(async () => {
      simulator = await startRivaSimulator(script);
    });
    afterAll(() => simulator.stop());

    speechEngineContract('it', () => rivaEngine({ RIVA_URI: simulator.address, ...env }), its);
  });
}

contractAgainst('with a streaming model', {}, {}, fixtures);
contractAgainst('with an offline model', offline, {}, { ...fixtures, readsWholeAudio: true });
contractAgainst(
  'with tags from 0, gaps in them, leading spaces, negative scores and finals that are announced',
  {
    speech: { speakerTags: [0, 1], untaggedEvery: 5, spacing: 'leading', confidence: -1.5, punctuatedWords: true },
    stream: { announcesFinals: true, interims: 'head_and_tail', heartbeats: 'no_alternatives', stepMs: 40 },
  },
  { RIVA_CONFIDENCE: 'true' },
  fixtures,
);
contractAgainst('without the configuration RPC', { configRpc: 'missing', health: 'missing' }, {}, fixtures);

describe('in the mesh', () => {
  let simulator: RivaSimulator;
  beforeAll(async () => {
    simulator = await startRivaSimulator();
  });
  afterAll(() => simulator.stop());

  speechEngineContract(
    'RivaEngine over gRPC',
    () => new MeshedEngine(rivaEngine({ RIVA_URI: simulator.address })),
    overGrpc(fixtures),
  );
});
