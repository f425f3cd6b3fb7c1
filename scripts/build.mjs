// Compiles every TypeScript file into dist/ (swc: no type check, that is `npm run check`).
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { root, run } from './lib/run.mjs';

rmSync(join(root, 'dist'), { recursive: true, force: true });
const python = ['--ignore', 'apps/whisperx-server/**'];
await run('swc', ['apps', 'libs', 'test', 'bench', ...python, '--out-dir', 'dist', '--copy-files', '--quiet']);
