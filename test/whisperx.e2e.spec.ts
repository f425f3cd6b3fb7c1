import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { scriptedSpeech, wavFile } from '#engine-testkit';
import { eventually } from '#testing';
import { accepted, result, submit, watchToEnd } from './support/api.js';
import { MeshProcess, temporaryDataDir } from './support/mesh-process.js';
import { WhisperxServer } from './support/whisperx-server.js';

interface EngineState {
  readonly available: boolean;
  readonly reason?: string;
  readonly instances: readonly { readonly state: string; readonly reason?: string }[];
}

/** Job, gateway, worker, adapter and the Python server with its worker process, all real; the models are scripted. */
describe('WhisperX from the REST API to the Python server', () => {
  let folder: { path: string; remove: () => Promise<void> };
  let servers: WhisperxServer[];
  let mesh: MeshProcess;
  let file: string;

  beforeAll(async () => {
    folder = await temporaryDataDir();
    file = join(folder.path, 'speech.wav');
    await writeFile(file, wavFile(scriptedSpeech([['papa', 'oscar'], ['alpha', 'bravo', 'charlie'], ['golf']])));
    servers = await Promise.all([WhisperxServer.start(), WhisperxServer.start()]);
    mesh = await MeshProcess.start(folder.path, {
      WHISPERX_SERVICE_URL: servers.map(({ url }) => url).join(','),
      WHISPERX_DEFAULT_MODEL: 'small',
    });
    await eventually('both servers to serve', async () => (await servingCount()) === 2, 60_000);
  }, 300_000);

  afterAll(async () => {
    await mesh.stop();
    await Promise.all(servers.map((server) => server.kill()));
    await folder.remove();
  });

  async function whisperx(): Promise<EngineState> {
    const body = (await (await fetch(`${mesh.http}/api/transcribe/jobs/engines`)).json()) as {
      engines: { whisperx: EngineState };
    };
    return body.engines.whisperx;
  }

  async function servingCount(): Promise<number> {
    return (await whisperx()).instances.filter(({ state }) => state === 'serving').length;
  }

  /** What the scripted models are to do beside hearing. */
  function script(deeds: object): string {
    return JSON.stringify({ whisperx: { initial_prompt: `script:${JSON.stringify(deeds)}` } });
  }

  it('gives words, speakers, warnings, the detected language and progress with stages', async () => {
    const fields = {
      model: 'large-v3',
      enable_diarization: 'true',
      min_speakers: '1',
      max_speakers: '3',
      word_timestamps: 'true',
      engine_options: script({
        language: 'de',
        unaligned: ['bravo', 'golf'],
        seconds: { transcribing: 1, diarizing: 1 },
      }),
    };
    const job = await accepted(mesh.http, file, fields, '/whisperx');
    const events = await watchToEnd(mesh.http, job.job_id);
    expect(events.at(-1)).toMatchObject({ type: 'completed', data: { engine_used: 'whisperx', language: 'de' } });
    const stages = events.flatMap(({ type, data }) => (type === 'status' ? [data['stage']] : []));
    expect(stages).toEqual(expect.arrayContaining(['transcribing', 'diarizing', 'finishing']));

    const body = await result(mesh.http, job.job_id);
    expect(body).toMatchObject({
      status: 'completed',
      engine: 'whisperx',
      engine_used: 'whisperx',
      model: 'large-v3',
      language: 'de',
      text: 'papa oscar alpha bravo charlie golf',
      segments: [
        { text: 'papa oscar', speaker_tag: 0 },
        { text: 'alpha bravo charlie', speaker_tag: 1 },
        { text: 'golf', speaker_tag: 1, words: [{ word: 'golf', interpolated: true }] },
      ],
    });
    const words = body.segments[1]?.words ?? [];
    expect(words.map(({ word, interpolated }) => [word, interpolated ?? false])).toEqual([
      ['alpha', false],
      ['bravo', true],
      ['charlie', false],
    ]);
    expect(body.warnings.map(({ code }) => code)).toContain('align_partial');
  }, 300_000);

  it('tells while it works how long it will take', async () => {
    const fields = { engine: 'whisperx', engine_options: script({ seconds: { transcribing: 3 } }) };
    const { job_id: id } = await accepted(mesh.http, file, fields);
    const status = async () =>
      (await (await fetch(`${mesh.http}/api/transcribe/jobs/status/${id}`)).json()) as {
        eta_s?: number;
        status: string;
      };
    await expect(eventually('an estimate', async () => (await status()).eta_s !== undefined, 30_000)).resolves.toBe(
      true,
    );
    await watchToEnd(mesh.http, id);
    expect(await status()).toMatchObject({ status: 'completed' });
  }, 300_000);

  it('refuses a model that the servers do not have at submit and names what there is', async () => {
    const response = await submit(mesh.http, file, { model: 'gigantic' }, '/whisperx');
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      code: 'model_not_found',
      detail: expect.stringMatching(/Offered: .*base.*large-v3.*small/) as string,
    });
  });

  it('goes to the other server when the one that works is killed, and finds it again when it is back', async () => {
    const fields = { engine: 'whisperx', engine_options: script({ seconds: { transcribing: 4 } }) };
    const { job_id: id } = await accepted(mesh.http, file, fields);
    const busy = await eventually('a server to be at work', () => serverAtWork(servers), 30_000);
    await busy.kill();
    const events = await watchToEnd(mesh.http, id);
    expect(events.at(-1)).toMatchObject({ type: 'completed', data: { engine_used: 'whisperx' } });
    expect((await result(mesh.http, id)).text).toBe('papa oscar alpha bravo charlie golf');
    await eventually('the loss to show', async () => (await servingCount()) === 1, 30_000);
    const lost = (await whisperx()).instances.filter(({ state }) => state !== 'serving');
    expect(lost).toMatchObject([{ state: 'unavailable', reason: expect.stringContaining(busy.url) as string }]);

    const rest = servers.filter((server) => server !== busy);
    await Promise.all(rest.map((server) => server.kill()));
    const down = await eventually('all to be down', async () => downState(await whisperx()), 30_000);
    expect(down.reason).toMatch(/not reachable/);
    servers = [await WhisperxServer.start(busy.port)];
    await eventually('one to be back', async () => (await servingCount()) === 1, 30_000);
  }, 300_000);
});

function downState(state: EngineState): EngineState | undefined {
  return state.available ? undefined : state;
}

async function serverAtWork(servers: readonly WhisperxServer[]): Promise<WhisperxServer | undefined> {
  for (const server of servers) {
    const health = (await (await fetch(`${server.url}/health`)).json()) as { queue: { running: number } };
    if (health.queue.running > 0) return server;
  }
  return undefined;
}
