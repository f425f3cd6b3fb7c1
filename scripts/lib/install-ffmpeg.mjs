import { spawnSync } from 'node:child_process';

/** System package managers that offer ffmpeg, and the commands that install it. */
const managers = [
  {
    tool: 'apt-get',
    root: true,
    commands: [
      ['apt-get', 'update'],
      ['apt-get', 'install', '-y', '--no-install-recommends', 'ffmpeg'],
    ],
  },
  { tool: 'dnf', root: true, commands: [['dnf', 'install', '-y', 'ffmpeg-free']] },
  { tool: 'apk', root: true, commands: [['apk', 'add', 'ffmpeg']] },
  { tool: 'brew', root: false, commands: [['brew', 'install', 'ffmpeg']] },
];

/**
 * Installs ffmpeg through the system's package manager unless it is there.
 *
 * npm's static builds are no way out: they are years old, which is no state for a decoder of untrusted files.
 *
 * @param {(message: string) => void} say
 */
export function installFfmpeg(say) {
  if (works(process.env.FFMPEG_PATH || 'ffmpeg') && works(process.env.FFPROBE_PATH || 'ffprobe')) return;
  const manager = managers.find(({ tool }) => works(tool, '--version'));
  const mayInstall = manager && (!manager.root || process.getuid?.() === 0);
  if (!mayInstall) {
    const command = manager ? `sudo ${manager.commands.at(-1).join(' ')}` : 'your package manager';
    say(`ffmpeg is missing. Install it with ${command}, or set FFMPEG_PATH and FFPROBE_PATH, and try again.`);
    process.exit(1);
  }
  for (const [command, ...args] of manager.commands) {
    say(`Installing ffmpeg (${[command, ...args].join(' ')}) ...`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const { status } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], env });
    if (status !== 0) {
      say(
        `${command} could not install ffmpeg. Install it by hand, or set FFMPEG_PATH and FFPROBE_PATH, and try again.`,
      );
      process.exit(1);
    }
  }
}

function works(command, flag = '-version') {
  return spawnSync(command, [flag], { stdio: 'ignore' }).status === 0;
}
