import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PS_TIMEOUT_MS = 5_000;

/**
 * A text that tells a process from every other one that had or will have the same id: ids are used again, above all in
 * containers, where the first process is always number 1.
 *
 * @returns undefined when no such process runs
 */
export async function processIdentity(pid: number): Promise<string | undefined> {
  return process.platform === 'linux' ? linuxIdentity(pid) : psField(pid, 'lstart=');
}

/** The process's command line with blanks between the arguments; undefined when no such process runs. */
export async function processCommand(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return psField(pid, 'command=');
  const raw = await readFile(`/proc/${String(pid)}/cmdline`, 'utf8').catch(() => undefined);
  return raw === undefined || raw === '' ? undefined : raw.replaceAll('\0', ' ').trim();
}

/** Boot id and start time in clock ticks since boot (field 22 of proc_pid_stat(5)). */
async function linuxIdentity(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${String(pid)}/stat`, 'utf8').catch(() => undefined);
  if (stat === undefined) return undefined;
  // The second field is the program's name in brackets and may hold blanks and brackets itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const startTicks = fields[19];
  // A zombie is dead and only waits for its parent to take note.
  if (startTicks === undefined || state === 'Z' || state === 'X') return undefined;
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return `${boot.trim()}:${startTicks}`;
}

async function psField(pid: number, field: string): Promise<string | undefined> {
  try {
    const { stdout } = await run('ps', ['-ww', '-o', field, '-p', String(pid)], { timeout: PS_TIMEOUT_MS });
    return stdout.trim() === '' ? undefined : stdout.trim();
  } catch {
    // ps ends with 1 when there is no such process.
    return undefined;
  }
}
