// Sets up what is missing, then runs the all-in-one mesh in this very process.
import { setUp } from './lib/set-up.mjs';

await setUp();
await import('../dist/apps/all-in-one/main.js');
