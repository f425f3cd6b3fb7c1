import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout's folder. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Runs a command in the checkout's folder with the project's own tools on the path.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: Record<string, string>, stdio?: import('node:child_process').StdioOptions, signal?: AbortSignal }}
 *   [options] standard output goes to standard error by default, so that a script's own standard output stays free for
 *   results; the signal ends the command
 * @returns {Promise<void>} rejects when the command fails
 */
export function run(command, args, options = {}) {
  const path = [join(root, 'node_modules', '.bin'), process.env.PATH ?? ''].join(delimiter);
  const child = spawn(command, args, {
    cwd: root,
    stdio: options.stdio ?? ['ignore', 2, 2],
    env: { ...process.env, PATH: path, ...options.env },
    signal: options.signal,
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ${args.join(' ')} ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}
