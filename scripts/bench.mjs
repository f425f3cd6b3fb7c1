// Sets up what is missing, then runs one measurement: `npm run bench -- long-file`.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './lib/run.mjs';
import { setUp } from './lib/set-up.mjs';

const [name] = process.argv.slice(2);
const names = readdirSync(join(root, 'bench'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3));
if (name === undefined || !names.includes(name)) {
  process.stderr.write(`Usage: npm run bench -- NAME, where NAME is one of ${names.join(', ')}\n`);
  process.exit(1);
}
await setUp();
await import(`../dist/bench/${name}.js`);
