import { CountedAudio } from '#engine-testkit';
import { eventually, freePort } from '#testing';
import { AsrWebserviceDouble } from './testing/asr-webservice.double.js';
import { engineFor, plainRequest, run, speech } from './testing/engine-under-test.js';
import { HttpDouble } from './testing/http-double.js';
import { PolyscribeDouble } from './testing/polyscribe.double.js';

class StrangeServer extends HttpDouble {}

describe('a WhisperX server that comes and goes', () => {
  it('is not available before it is there, with the reason, and serves once it is', async () => {
    const port = await freePort();
    const engine = engineFor(`http://127.0.0.1:${String(port)}`);
    await engine.start();
    expect(engine.describe().health).toEqual({
      state: 'unavailable',
      reason: `The WhisperX server at http://127.0.0.1:${String(port)} is not reachable: nobody listens there.`,
    });
    await expect(run(engine)).rejects.toMatchObject({ code: 'engine_unavailable' });
    const server = await new PolyscribeDouble().start(port);
    await eventually('the engine to serve', () => engine.describe().health.state === 'serving');
    await run(engine);
    await engine.stop();
    await server.stop();
  });

  it('fails its calls and is known to be away at once when it dies in the middle, and what it can do stays known', async () => {
    const server = await new PolyscribeDouble().start();
    server.fault = { hang: true };
    const engine = engineFor(server.url);
    await engine.start();
    const failure = run(engine).catch((error: unknown) => error);
    await server.whenAsked('/v1/transcribe');
    await server.stop();
    expect(await failure).toMatchObject({ code: 'engine_unavailable' });
    await eventually('the loss to show', () => engine.describe().health.state === 'unavailable');
    expect(engine.describe().capabilities.models).toEqual(['large-v3', 'base', 'large-v3-turbo']);
    await engine.stop();
  });

  it('fails a call at its deadline when the server takes connections and nothing else', async () => {
    const server = await new PolyscribeDouble().start();
    const engine = engineFor(server.url, { timeoutMs: 300 });
    await engine.start();
    server.isFrozen = true;
    const audio = new CountedAudio({ pcm: speech, times: 100_000, chunkBytes: 64_000 });
    const events = engine.transcribe(plainRequest, audio, new AbortController().signal);
    await expect(events.next()).rejects.toMatchObject({ code: 'engine_timeout' });
    // What the connection does not take is not read either.
    expect(audio.isExhausted).toBe(false);
    await eventually('the audio to be let go of', () => audio.isReleased);
    await engine.stop();
    await server.stop();
  });

  it('is not given up while it works for others, where it is known to be deaf then', async () => {
    const server = await new AsrWebserviceDouble().start();
    const engine = engineFor(server.url);
    await engine.start();
    server.isFrozen = true;
    const asked = server.seen.length;
    await eventually('two questions', () => server.seen.length === asked + 2, 25_000);
    expect(engine.describe().health.state).toBe('serving');
    await engine.stop();
    await server.stop();
  });

  it('is asked for WHISPERX_DIALECT when it is none that is known', async () => {
    const server = await new StrangeServer().start();
    const engine = engineFor(server.url);
    await engine.start();
    expect(engine.describe().health.reason).toContain('set WHISPERX_DIALECT');
    await engine.stop();
    await server.stop();
  });

  it('is not taken for what it is not, where the dialect is set', async () => {
    const server = await new AsrWebserviceDouble().start();
    const engine = engineFor(server.url, { dialect: 'whisperx-fastapi' });
    await engine.start();
    expect(engine.describe().health.state).toBe('unavailable');
    await engine.stop();
    await server.stop();
  });
});
