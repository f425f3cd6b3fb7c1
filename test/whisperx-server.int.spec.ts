import { scriptedFixtures, speechEngineContract } from '#engine-testkit';
import { createLogger } from '#telemetry';
import { WhisperxEngine } from '../apps/engine-whisperx/whisperx-engine.js';
import { WhisperxServer } from './support/whisperx-server.js';

describe('the Python server', () => {
  let server: WhisperxServer;

  beforeAll(async () => {
    server = await WhisperxServer.start(0, { MODELS_ALLOWED: 'base,small', DEFAULT_MODEL: 'base' });
  }, 60_000);

  afterAll(() => server.kill());

  speechEngineContract(
    'WhisperxEngine before the Python server',
    () =>
      new WhisperxEngine({
        url: server.url,
        dialect: 'auto',
        apiKey: undefined,
        availableModels: undefined,
        defaultModel: 'base',
        timeoutMs: 60_000,
        concurrency: undefined,
        logger: createLogger('test', 'silent'),
      }),
    { ...scriptedFixtures, readsWholeAudio: true },
  );
});
