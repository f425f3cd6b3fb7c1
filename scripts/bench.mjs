// Sets up what is missing, then measures: scenarios against bare things, or one of the figures that stand by themselves
// (bench/figures), chosen by name.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './lib/run.mjs';
import { setUp } from './lib/set-up.mjs';

const figures = readdirSync(join(root, 'bench/figures')).map((file) => file.replace(/\.ts$/, ''));
const [name] = process.argv.slice(2);
await setUp({ programs: ['ffmpeg', 'redis-server', 'openssl'] });
await import(figures.includes(name) ? `../dist/bench/figures/${name}.js` : '../dist/bench/main.js');
