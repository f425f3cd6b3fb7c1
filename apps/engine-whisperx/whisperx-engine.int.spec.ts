import { scriptedFixtures, speechEngineContract } from '#engine-testkit';
import { AsrWebserviceDouble } from './testing/asr-webservice.double.js';
import { engineFor } from './testing/engine-under-test.js';
import type { HttpDouble } from './testing/http-double.js';
import { OpenAiDouble } from './testing/openai.double.js';
import { PolyscribeDouble } from './testing/polyscribe.double.js';
import { WhisperxFastapiDouble } from './testing/whisperx-fastapi.double.js';

const fixtures = { ...scriptedFixtures, readsWholeAudio: true };

const servers: readonly (readonly [string, HttpDouble])[] = [
  ['our own server', new PolyscribeDouble()],
  ['whisper-asr-webservice with WhisperX', new AsrWebserviceDouble()],
  ['whisper-asr-webservice with faster-whisper', new AsrWebserviceDouble({ engine: 'faster_whisper' })],
  ['whisper-asr-webservice with openai-whisper', new AsrWebserviceDouble({ engine: 'openai_whisper' })],
  ['speaches 0.8', new OpenAiDouble('speaches-0.8')],
  ['speaches 0.9', new OpenAiDouble('speaches')],
  ['whisperx-api-server', new OpenAiDouble('whisperx-api-server')],
  ['a server with only what OpenAI has', new OpenAiDouble('plain')],
  ['whisperX-FastAPI', new WhisperxFastapiDouble()],
];

for (const [name, server] of servers) {
  describe(`a server: ${name}`, () => {
    beforeAll(() => server.start());
    afterAll(() => server.stop());

    speechEngineContract(`WhisperxEngine before ${name}`, () => engineFor(server.url), fixtures);
  });
}
