// Writes libs/protos/gen from protos/: TypeScript for every message and service, and the descriptor set that the
// reflection service answers from.
import { run } from './lib/run.mjs';

await run('buf', ['generate']);
await run('buf', ['build', '--as-file-descriptor-set', '-o', 'libs/protos/gen/polyscribe.binpb']);
