import { loadConfig } from './config.js';

describe('the WhisperX settings', () => {
  it('are absent where no server is named', () => {
    expect(loadConfig({ WHISPERX_DEFAULT_MODEL: 'small' }).whisperx).toBeUndefined();
  });

  it('have defaults for all but the address', () => {
    expect(loadConfig({ WHISPERX_SERVICE_URL: 'http://whisperx:9000' }).whisperx).toEqual({
      servers: ['http://whisperx:9000'],
      dialect: 'auto',
      apiKey: undefined,
      availableModels: undefined,
      defaultModel: 'base',
      timeoutMs: 300_000,
      concurrency: undefined,
    });
  });

  it('take several servers and models', () => {
    const settings = loadConfig({
      WHISPERX_SERVICE_URL: 'http://a:9000/, https://b/whisper/v1',
      WHISPERX_AVAILABLE_MODELS: 'base, large-v3',
      WHISPERX_DEFAULT_MODEL: 'large-v3',
      WHISPERX_TIMEOUT: '60',
      WHISPERX_DIALECT: 'openai',
      WHISPERX_CONCURRENCY: '3',
      WHISPERX_API_KEY: 'key',
    }).whisperx;
    expect(settings).toEqual({
      servers: ['http://a:9000', 'https://b/whisper'],
      dialect: 'openai',
      apiKey: 'key',
      availableModels: ['base', 'large-v3'],
      defaultModel: 'large-v3',
      timeoutMs: 60_000,
      concurrency: 3,
    });
  });

  it.each([
    ['WHISPERX_SERVICE_URL', 'whisperx:9000'],
    ['WHISPERX_SERVICE_URL', 'http://user:secret@a:9000'],
    ['WHISPERX_SERVICE_URL', 'http://a:9000,http://a:9000/'],
    ['WHISPERX_SERVICE_URL', 'http://a:9000,'],
    ['WHISPERX_AVAILABLE_MODELS', 'base,,small'],
    ['WHISPERX_TIMEOUT', 'soon'],
    ['WHISPERX_DIALECT', 'klingon'],
    ['WHISPERX_CONCURRENCY', '0'],
    ['WHISPERX_API_KEY', 'two words'],
  ])('name %s when it is bad, and not its value', (variable, value) => {
    const env = { WHISPERX_SERVICE_URL: 'http://a:9000', [variable]: value };
    expect(() => loadConfig(env)).toThrow(`${variable} must be`);
    expect(() => loadConfig(env)).not.toThrow(value);
  });
});
