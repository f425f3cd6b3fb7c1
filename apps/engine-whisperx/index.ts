import type { ServiceDefinition } from '#service-host';

/** WhisperX and other Whisper servers as a member of the mesh, where WHISPERX_SERVICE_URL names some. */
export const engineWhisperx: ServiceDefinition = {
  name: 'engine-whisperx',
  needs: ['registry'],
  provides: [],
  requires: { variable: 'WHISPERX_SERVICE_URL', isSet: (config) => config.whisperx !== undefined },
  start: async (context) => (await import('./start-engine-whisperx.js')).startEngineWhisperx(context),
};
