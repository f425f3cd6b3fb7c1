// Runs the WhisperX server on the real speech library and tiny models that the tests make themselves. Installs the library
// first, which is several gigabytes. Arguments go to pytest.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { installSystemPackages } from './lib/install-system-packages.mjs';
import { pythonEnvironment } from './lib/python-environment.mjs';
import { root } from './lib/run.mjs';

const folder = join(root, 'apps', 'whisperx-server');

installSystemPackages(['ffmpeg'], (message) => process.stderr.write(`polyscribe: ${message}\n`));
const python = await pythonEnvironment('whisperx-library', [
  'apps/whisperx-server/requirements-whisperx.txt',
  'apps/whisperx-server/requirements-dev.txt',
]);
// The libraries warn of much that is no business of ours, not least of each other.
const pytest = ['-m', 'pytest', 'tests_library', '-p', 'no:cacheprovider', '-o', 'filterwarnings=ignore'];
const { status } = spawnSync(python, [...pytest, ...process.argv.slice(2)], {
  cwd: folder,
  stdio: 'inherit',
  env: {
    ...process.env,
    PYTHONDONTWRITEBYTECODE: '1',
    // The models are made here; whatever else would be fetched is a mistake.
    HF_HUB_OFFLINE: '1',
  },
});
process.exitCode = status ?? 1;
