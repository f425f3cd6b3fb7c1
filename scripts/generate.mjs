// Writes what is made from other files and checked in. libs/protos/gen from protos/: TypeScript for every message and
// service, and the descriptor set that the reflection service answers from. docs/openapi.json from the gateway's schemas.
import { writeApiDocument } from './lib/openapi.mjs';
import { run } from './lib/run.mjs';

await run('buf', ['generate']);
await run('buf', ['build', '--as-file-descriptor-set', '-o', 'libs/protos/gen/polyscribe.binpb']);
await run('node', ['scripts/build.mjs']);
await writeApiDocument();
