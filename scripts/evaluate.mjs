// Sets up what is missing, then compares two texts: see apps/cli.
import { setUp } from './lib/set-up.mjs';

await setUp({ programs: [] });
await import('../dist/apps/cli/evaluate-main.js');
