// Everything that can be judged without running the product: format, lint, types, import rules, protos, the API document.
// Fails on the first finding; `npm run format` mends the format.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkApiDocument } from './lib/openapi.mjs';
import { root, run } from './lib/run.mjs';
import { setUp } from './lib/set-up.mjs';

await setUp({ build: false, programs: [] });
// Lint with types takes as long as all the rest together and uses one processor: the rest runs beside it.
const failure = new AbortController();
const { signal } = failure;
await Promise.all(
  [run('eslint', ['.'], { signal }), checkRest()].map((part) =>
    part.catch((error) => {
      failure.abort();
      throw error;
    }),
  ),
);

async function checkRest() {
  await run('prettier', ['--check', '--log-level', 'warn', '.'], { signal });
  await run('tsc', ['-p', '.'], { signal });
  await run('depcruise', ['--output-type', 'err', 'apps', 'libs', 'test', 'bench'], { signal });
  await run('buf', ['lint'], { signal });
  await run('buf', ['format', '--diff', '--exit-code'], { signal });
  await checkGeneratedCode();
  await run('node', ['scripts/build.mjs'], { signal });
  await checkApiDocument();
}

/** The generated code that is checked in must be what the protos give now. */
async function checkGeneratedCode() {
  const fresh = mkdtempSync(join(tmpdir(), 'polyscribe-gen-'));
  try {
    await run('buf', ['generate', '--output', fresh]);
    await run('buf', ['build', '--as-file-descriptor-set', '-o', join(fresh, 'libs/protos/gen/polyscribe.binpb')]);
    execFileSync('diff', ['-r', join(fresh, 'libs/protos/gen'), join(root, 'libs/protos/gen')], { stdio: 'inherit' });
  } catch (error) {
    throw new Error('libs/protos/gen is not what protos/ gives: run `npm run generate`.', { cause: error });
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}
