// What a fresh clone needs before anything runs. Uses Node alone, since nothing is installed yet, and does nothing
// where all is there. Says what it does on standard error.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installSystemPackages } from './install-system-packages.mjs';
import { root, run } from './run.mjs';

const stamps = join(root, '.setup');
const minimumNode = [20, 19];
/** Python, whose caches come and go. */
const notCompiled = new Set([join('apps', 'whisperx-server')]);

/**
 * @param {{ build?: boolean, programs?: Parameters<typeof installSystemPackages>[0] }} [options] whether to compile, and
 *   what must be there beside Node
 */
export async function setUp({ build = true, programs = ['ffmpeg'] } = {}) {
  checkNode();
  mkdirSync(stamps, { recursive: true });
  await whenChanged('dependencies', ['package-lock.json'], 'Installing packages (npm ci)', async () => {
    // For npm versions that run every install script: onnxruntime-node would download CUDA libraries that nothing here
    // uses (its CPU libraries are in the package), and Scarf would report the installation to its maker.
    await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
      env: { ONNXRUNTIME_NODE_INSTALL: 'skip', SCARF_ANALYTICS: 'false' },
    });
  });
  installSystemPackages(programs, say);
  if (build) {
    const sources = ['apps', 'libs', 'test', 'bench', '.swcrc', 'package.json', 'scripts/build.mjs'];
    await whenChanged('build', sources, 'Compiling', () => run('node', ['scripts/build.mjs']));
  }
}

function say(message) {
  process.stderr.write(`polyscribe: ${message}\n`);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > minimumNode[0] || (major === minimumNode[0] && minor >= minimumNode[1])) return;
  say(`Node ${minimumNode.join('.')} or newer is needed; this is ${process.versions.node}.`);
  process.exit(1);
}

/** Does the work unless it was done before for the same contents of these files and what it made is still there. */
async function whenChanged(name, paths, what, work) {
  const made = { dependencies: 'node_modules', build: 'dist' }[name];
  const stamp = join(stamps, name);
  const digest = digestOf(paths);
  if (existsSync(join(root, made)) && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  say(`${what} ...`);
  // Work that is broken off must not pass for done because an older stamp fits again.
  rmSync(stamp, { force: true });
  await work();
  writeFileSync(stamp, digest);
}

function digestOf(paths) {
  const hash = createHash('sha256').update(process.version);
  for (const path of paths) hashInto(hash, path);
  return hash.digest('hex');
}

function hashInto(hash, path) {
  const full = join(root, path);
  if (notCompiled.has(path) || !existsSync(full)) return;
  const entries = entriesOf(full);
  if (entries === undefined) {
    hash.update(path).update(readFileSync(full));
    return;
  }
  for (const entry of entries) hashInto(hash, join(path, entry));
}

/** The names in a folder, sorted; undefined for a file. */
function entriesOf(full) {
  try {
    return readdirSync(full).sort();
  } catch (error) {
    if (error.code === 'ENOTDIR') return undefined;
    throw error;
  }
}
