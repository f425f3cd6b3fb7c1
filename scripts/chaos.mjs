// Sets up what is missing, then breaks a mesh of many processes for some minutes and tells what became of its jobs.
import { setUp } from './lib/set-up.mjs';

await setUp({ programs: ['ffmpeg', 'redis-server', 'openssl'] });
await import('../dist/test/chaos/main.js');
