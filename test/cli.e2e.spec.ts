import { type ChildProcess, execFile } from 'node:child_process';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { wordErrorRate } from '#evaluation';
import { eventually } from '#testing';
import { lockDataDir } from '../libs/embedded-postgres/data-dir-lock.js';
import { root, sample, temporaryDataDir } from './support/mesh-process.js';

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line as a user runs it, on a folder of its own. */
describe('npm run transcribe', () => {
  let data: Awaited<ReturnType<typeof temporaryDataDir>>;

  beforeAll(async () => {
    data = await temporaryDataDir();
  });

  afterAll(() => data.remove());

  function transcribe(
    args: string[],
    env: Record<string, string> = {},
    onStart: (run: ChildProcess) => void = () => undefined,
  ): Promise<Outcome> {
    const main = join(root, 'dist/apps/cli/main.js');
    // A free port for the mesh that might run already: the test is not to find one of the machine's owner.
    const own = { PATH: process.env['PATH'], DATA_DIR: join(data.path, 'mesh'), PORT: '1' };
    return new Promise((resolve) => {
      const run = execFile(
        process.execPath,
        ['--no-warnings', main, ...args],
        // One that hangs must not stand in the way of the next, which shares its mesh.
        { env: { ...own, ...env }, timeout: 110_000 },
        (error, stdout, stderr) =>
          resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
      );
      onStart(run);
    });
  }

  it.each([
    ['base', 0.08],
    ['tiny', 0.15],
  ])(
    'prints the dialogue with model %s within a word error rate of %d',
    async (model, limit) => {
      const { code, stdout, stderr } = await transcribe([sample('clinic-dialogue.opus')], { LOCAL_MODEL: model });
      expect(stderr).toMatch(/transcribing/);
      expect(code).toBe(0);
      const reference = await readFile(sample('clinic-dialogue.txt'), 'utf8');
      expect(wordErrorRate(reference, stdout).wer).toBeLessThanOrEqual(limit);
    },
    120_000,
  );

  it('writes subtitles to a file', async () => {
    const output = join(data.path, 'dialogue.srt');
    const outcome = await transcribe([sample('clinic-dialogue.opus'), '--format', 'srt', '--output', output]);
    expect(outcome).toMatchObject({ code: 0, stdout: '' });
    expect(await readFile(output, 'utf8')).toMatch(/^1\n00:00:0\d,\d{3} --> /);
  }, 120_000);

  it('serves two runs that begin at the same time with one mesh', async () => {
    const outcomes = await Promise.all([
      transcribe([sample('clinic-dialogue.opus')], { LOCAL_MODEL: 'tiny' }),
      transcribe([sample('stereo-call.opus')], { LOCAL_MODEL: 'tiny' }),
    ]);
    expect(outcomes.map(({ code, stderr }) => ({ code, said: code === 0 ? '' : stderr }))).toEqual([
      { code: 0, said: '' },
      { code: 0, said: '' },
    ]);
    expect(outcomes.every(({ stdout }) => stdout.length > 100)).toBe(true);
  }, 120_000);

  describe('on a folder that somebody has who serves nobody', () => {
    let lock: Awaited<ReturnType<typeof lockDataDir>>;

    beforeEach(async () => {
      lock = await lockDataDir(join(data.path, 'mesh'));
    });

    afterEach(() => lock.release());

    /** A run that has said whom it waits for. */
    async function waitingRun(): Promise<{ process: ChildProcess | undefined; outcome: Promise<Outcome> }> {
      let started: ChildProcess | undefined;
      let said = '';
      const outcome = transcribe([sample('clinic-dialogue.opus')], { LOCAL_MODEL: 'tiny' }, (run) => {
        started = run;
        run.stderr?.on('data', (text: string) => (said += text));
      });
      await eventually('it to tell', () => said.includes(`is in use by process ${process.pid}; waiting`));
      return { process: started, outcome };
    }

    it('starts a mesh of its own once that one has stopped', async () => {
      const { outcome } = await waitingRun();
      await lock.release();
      expect(await outcome).toMatchObject({ code: 0, stdout: expect.stringMatching(/\w{3}/) as unknown });
    }, 120_000);

    it('ends when it is interrupted', async () => {
      const run = await waitingRun();
      run.process?.kill('SIGINT');
      const { code, stderr } = await run.outcome;
      expect({ code, last: stderr.trim().split('\n').at(-1) }).toEqual({ code: 1, last: 'polyscribe: Interrupted.' });
    }, 120_000);
  });

  it('starts its mesh again when that is killed while it starts', async () => {
    const folder = join(data.path, 'mesh');
    const running = transcribe([sample('clinic-dialogue.opus')], { LOCAL_MODEL: 'tiny' });
    const owner = await eventually('the mesh to take the folder', () =>
      readFile(join(folder, 'polyscribe.lock'), 'utf8').catch(() => undefined),
    );
    process.kill((JSON.parse(owner) as { pid: number }).pid, 'SIGKILL');
    expect(await running).toMatchObject({ code: 0, stdout: expect.stringMatching(/\w{3}/) as unknown });
  }, 120_000);

  it('refuses a place for the output that cannot be written to before it does the work', async () => {
    const outcome = await transcribe([sample('clinic-dialogue.opus'), '--output', join(data.path, 'no/such/file')]);
    expect(outcome).toMatchObject({ code: 1, stdout: '' });
    expect(outcome.stderr.trim().split('\n')).toHaveLength(1);
  });

  it('says in one line what is wrong with a file and leaves nothing behind', async () => {
    const notes = join(data.path, 'notes.mp3');
    await writeFile(notes, 'These are notes and no music.\n'.repeat(100));
    const { code, stdout, stderr } = await transcribe([notes]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    const complaints = stderr
      .trim()
      .split('\n')
      .filter((line) => !line.includes('starting an embedded mesh'));
    expect(complaints).toHaveLength(1);
    expect(complaints[0]).toMatch(/unsupported_media/);
  }, 120_000);

  it('judges a missing or empty file without starting a mesh', async () => {
    const empty = join(data.path, 'empty.wav');
    await writeFile(empty, '');
    await mkdir(join(data.path, 'untouched'));
    const env = { DATA_DIR: join(data.path, 'untouched') };
    expect(await transcribe([empty], env)).toMatchObject({ code: 1, stderr: `polyscribe: ${empty} is empty.\n` });
    expect(await transcribe(['/no/such.wav'], env)).toMatchObject({ code: 1, stdout: '' });
    expect(await readdir(join(data.path, 'untouched'))).toEqual([]);
  });
});
