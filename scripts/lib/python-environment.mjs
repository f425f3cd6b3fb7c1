// Python programs run in virtual environments of their own, under .setup and outside git, made from pinned requirements.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installSystemPackages } from './install-system-packages.mjs';
import { root, run } from './run.mjs';

const minimumPython = [3, 11];

/**
 * Makes a virtual environment unless it is there already with the same requirements.
 *
 * @param {string} name of the environment, a folder under .setup
 * @param {string[]} requirements pinned requirements files, from the checkout's folder
 * @param {string[]} [pipArguments]
 * @returns {Promise<string>} the environment's Python
 */
export async function pythonEnvironment(name, requirements, pipArguments = []) {
  installSystemPackages(['python3'], say);
  const version = pythonVersion();
  const folder = join(root, '.setup', name);
  const python = join(folder, 'bin', 'python');
  const stamp = join(folder, 'requirements.sha256');
  const digest = createHash('sha256')
    .update(requirements.map((file) => readFileSync(join(root, file), 'utf8')).join('\0'))
    .update([version, ...pipArguments].join('\0'))
    .digest('hex');
  if (existsSync(python) && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return python;
  say(`Installing Python packages (${requirements.join(', ')}) ...`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(root, '.setup'), { recursive: true });
  await run('python3', ['-m', 'venv', folder]);
  const quiet = ['--quiet', '--disable-pip-version-check', '--no-input'];
  await run(python, [
    '-m',
    'pip',
    'install',
    ...quiet,
    ...pipArguments,
    ...requirements.flatMap((file) => ['-r', file]),
  ]);
  writeFileSync(stamp, digest);
  return python;
}

function say(message) {
  process.stderr.write(`polyscribe: ${message}\n`);
}

/** Ends the process where Python is too old. */
function pythonVersion() {
  const version = execFileSync('python3', ['-c', 'import platform; print(platform.python_version())'], {
    encoding: 'utf8',
  }).trim();
  const [major, minor] = version.split('.').map(Number);
  if (major > minimumPython[0] || (major === minimumPython[0] && minor >= minimumPython[1])) return version;
  say(`Python ${minimumPython.join('.')} or newer is needed for the WhisperX server; this is ${version}.`);
  process.exit(1);
}
