// Sets up what is missing, then runs every test. Arguments go to Jest: `npm test -- audio` runs the files that match.
import { pythonEnvironment } from './lib/python-environment.mjs';
import { run } from './lib/run.mjs';
import { setUp } from './lib/set-up.mjs';

// The tests run on real servers, some of which the product itself does not need.
await setUp({ programs: ['ffmpeg', 'redis-server', 'openssl'] });
await pythonEnvironment('whisperx-server', ['apps/whisperx-server/requirements-dev.txt']);
await run('jest', process.argv.slice(2), {
  stdio: 'inherit',
  // Jest loads ES modules through Node's vm API, which still stands behind a flag.
  env: { NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning' },
}).catch(() => {
  process.exitCode = 1;
});
