// Sets up what is missing, then transcribes one file: see apps/cli.
import { setUp } from './lib/set-up.mjs';

await setUp();
await import('../dist/apps/cli/main.js');
