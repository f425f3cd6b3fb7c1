// Sets up what is missing, then judges the WhisperX server's code and runs its tests, without a graphics card and without
// the speech library. Arguments go to pytest.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { installSystemPackages } from './lib/install-system-packages.mjs';
import { pythonEnvironment } from './lib/python-environment.mjs';
import { root } from './lib/run.mjs';

const folder = join(root, 'apps', 'whisperx-server');

installSystemPackages(['ffmpeg'], (message) => process.stderr.write(`polyscribe: ${message}\n`));
const python = await pythonEnvironment('whisperx-server', ['apps/whisperx-server/requirements-dev.txt']);
const steps = [
  ['ruff', 'check', '--quiet', '--no-cache', '.'],
  ['ruff', 'format', '--quiet', '--no-cache', '--check', '.'],
  ['mypy', '--cache-dir', join(root, '.setup', 'mypy')],
  ['pytest', '-p', 'no:cacheprovider', '-n', '2', ...process.argv.slice(2)],
];
const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };
for (const step of steps) {
  const { status } = spawnSync(python, ['-m', ...step], { cwd: folder, stdio: 'inherit', env });
  if (status === 0) continue;
  process.exitCode = 1;
  break;
}
