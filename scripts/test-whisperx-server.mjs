// Sets up what is missing, then judges the WhisperX server's code and runs its tests, without a graphics card and without
// the speech library. Arguments go to pytest.
import { join } from 'node:path';
import { pythonEnvironment } from './lib/python-environment.mjs';
import { root } from './lib/run.mjs';
import { setUp } from './lib/set-up.mjs';
import { spawnSync } from 'node:child_process';

const folder = join(root, 'apps', 'whisperx-server');

await setUp({ build: false, programs: ['ffmpeg'] });
const python = await pythonEnvironment('whisperx-server', ['apps/whisperx-server/requirements-dev.txt']);
const steps = [
  ['ruff', 'check', '.'],
  ['ruff', 'format', '--check', '.'],
  ['mypy'],
  ['pytest', ...process.argv.slice(2)],
];
for (const step of steps) {
  const { status } = spawnSync(python, ['-m', ...step], { cwd: folder, stdio: 'inherit' });
  if (status !== 0) {
    process.exitCode = 1;
    break;
  }
}
