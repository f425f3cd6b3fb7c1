import { spawnSync } from 'node:child_process';

/**
 * Programs that come from the system and not from npm, with how to see that one works and the package that holds it for
 * each manager.
 *
 * npm's static builds of ffmpeg are no way out: they are years old, which is no state for a decoder of untrusted files.
 */
const programs = {
  ffmpeg: {
    works: () => works(process.env.FFMPEG_PATH || 'ffmpeg') && works(process.env.FFPROBE_PATH || 'ffprobe'),
    packages: { 'apt-get': 'ffmpeg', dnf: 'ffmpeg-free', apk: 'ffmpeg', brew: 'ffmpeg' },
    orElse: 'set FFMPEG_PATH and FFPROBE_PATH',
  },
  'redis-server': {
    works: () => works('redis-server', '--version'),
    packages: { 'apt-get': 'redis-server', dnf: 'redis', apk: 'redis', brew: 'redis' },
  },
  python3: {
    // Debian parts the module that makes virtual environments from the rest.
    works: () => spawnSync('python3', ['-c', 'import ensurepip, venv'], { stdio: 'ignore' }).status === 0,
    packages: { 'apt-get': 'python3-venv', dnf: 'python3', apk: 'python3', brew: 'python3' },
  },
  openssl: {
    works: () => works('openssl', 'version'),
    packages: { 'apt-get': 'openssl', dnf: 'openssl', apk: 'openssl', brew: 'openssl' },
  },
};

/** System package managers and the commands that install packages with them. */
const managers = [
  {
    tool: 'apt-get',
    root: true,
    commands: (packages) => [
      ['apt-get', 'update'],
      ['apt-get', 'install', '-y', '--no-install-recommends', ...packages],
    ],
  },
  { tool: 'dnf', root: true, commands: (packages) => [['dnf', 'install', '-y', ...packages]] },
  { tool: 'apk', root: true, commands: (packages) => [['apk', 'add', ...packages]] },
  { tool: 'brew', root: false, commands: (packages) => [['brew', 'install', ...packages]] },
];

/**
 * Installs programs through the system's package manager unless they are there. Ends the process, saying what to do, where
 * it cannot.
 *
 * @param {(keyof typeof programs)[]} names
 * @param {(message: string) => void} say
 */
export function installSystemPackages(names, say) {
  const missing = names.filter((name) => !programs[name].works());
  if (missing.length === 0) return;
  const manager = managers.find(({ tool }) => works(tool, '--version'));
  const commands = manager?.commands(missing.map((name) => programs[name].packages[manager.tool])) ?? [];
  const ways = ['install by hand', ...missing.flatMap((name) => programs[name].orElse ?? [])].join(', or ');
  if (!manager || (manager.root && process.getuid?.() !== 0)) {
    const command = manager ? `: sudo ${commands.at(-1).join(' ')}` : '';
    say(`Missing: ${missing.join(', ')}. Please ${ways}${command}, and try again.`);
    process.exit(1);
  }
  for (const [command, ...args] of commands) {
    say(`Installing ${missing.join(', ')} (${[command, ...args].join(' ')}) ...`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const { status } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], env });
    if (status !== 0) {
      say(`${command} could not install ${missing.join(', ')}. Please ${ways}, and try again.`);
      process.exit(1);
    }
  }
}

function works(command, flag = '-version') {
  return spawnSync(command, [flag], { stdio: 'ignore' }).status === 0;
}
