// Sends 20,000 requests that are made up from the API document, and as many gRPC messages made up from the protos.
// FUZZ_REQUESTS changes how many; FUZZ_SEED runs what a failure printed as its seed.
import { run } from './lib/run.mjs';
import { setUp } from './lib/set-up.mjs';

await setUp({ programs: ['ffmpeg'] });
await run('jest', ['--runInBand', 'test/fuzz', ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: {
    FUZZ_REQUESTS: '20000',
    ...process.env,
    NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning',
  },
}).catch(() => {
  process.exitCode = 1;
});
