import { setUp } from './lib/set-up.mjs';

await setUp();
