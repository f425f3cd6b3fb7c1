import { execFile, type SpawnOptions } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PROBE_TIMEOUT_MS = 10_000;

/** The system user under which PostgreSQL runs when we are root, which it refuses to be. */
export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

/** How PostgreSQL's programs are started here. */
export interface Launcher {
  /** Who must own the cluster's files; undefined means whoever runs this process. */
  readonly owner: SystemUser | undefined;
  command(program: string, args: readonly string[]): { file: string; args: string[]; options: SpawnOptions };
}

/** Users that PostgreSQL may run as, the best first: its own if the system has it, or the one that owns nothing. */
const candidateUsers = ['postgres', 'nobody'];

/**
 * Privileges for a checkout or data directory below a folder that only root may enter, such as /root: the first is
 * enough, the second is what containers grant.
 */
const capabilities = ['dac_read_search', 'dac_override'];

/**
 * Finds out how to start PostgreSQL so that it can reach its programs and `dir`.
 *
 * An ordinary user starts it as itself. Root starts it as another user; where that user cannot enter the folders, it
 * keeps the one privilege of entering them (util-linux `setpriv`).
 *
 * @throws Error that says what to do when there is no way
 */
export async function chooseLauncher(program: string, dir: string, clusterDir: string): Promise<Launcher> {
  if (process.getuid?.() !== 0) return plainLauncher(undefined);
  const owner = (await ownerOf(clusterDir)) ?? (await findUser());
  const candidates = [plainLauncher(owner), ...capabilities.map((name) => capableLauncher(owner, name))];
  for (const launcher of candidates) {
    if (await reaches(launcher, program, dir)) return launcher;
  }
  throw new Error(
    `PostgreSQL cannot run as root, and user ${String(owner.uid)} cannot reach ${dir} or ${program}. ` +
      'Set DATA_DIR to a folder that every user can enter, run as an ordinary user, or set DATABASE_URL.',
  );
}

function plainLauncher(owner: SystemUser | undefined): Launcher {
  return {
    owner,
    command: (program, args) => ({ file: program, args: [...args], options: { ...owner } }),
  };
}

function capableLauncher(owner: SystemUser, capability: string): Launcher {
  const setpriv = [
    ...['--reuid', String(owner.uid), '--regid', String(owner.gid), '--clear-groups'],
    // Without this bit access(2), by which PostgreSQL looks for its programs, leaves the privilege out of account.
    ...['--securebits', '+no_setuid_fixup'],
    ...['--inh-caps', `-all,+${capability}`, '--ambient-caps', `-all,+${capability}`, '--'],
  ];
  return {
    owner,
    command: (program, args) => ({ file: 'setpriv', args: [...setpriv, program, ...args], options: {} }),
  };
}

async function reaches(launcher: Launcher, program: string, dir: string): Promise<boolean> {
  const script = 'cd "$1" && test -x "$2" && exec "$2" --version';
  const { file, args, options } = launcher.command('/bin/sh', ['-c', script, 'sh', dir, program]);
  const { uid, gid } = options;
  const user = uid === undefined || gid === undefined ? {} : { uid, gid };
  try {
    await run(file, args, { ...user, cwd: '/', timeout: PROBE_TIMEOUT_MS });
    return true;
  } catch {
    return false;
  }
}

/** Who owns a cluster that is there already; it stays with that user. */
async function ownerOf(clusterDir: string): Promise<SystemUser | undefined> {
  const found = await stat(clusterDir).catch(() => undefined);
  return found === undefined || found.uid === 0 ? undefined : { uid: found.uid, gid: found.gid };
}

async function findUser(): Promise<SystemUser> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const name of candidateUsers) {
    const [, , uid, gid] = lines.find(([user]) => user === name) ?? [];
    if (/^\d+$/.test(uid ?? '') && /^\d+$/.test(gid ?? '')) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(
    `PostgreSQL cannot run as root, and the system has no user ${candidateUsers.join(' or ')}. ` +
      'Add one, run as an ordinary user, or set DATABASE_URL.',
  );
}
