import 'reflect-metadata';
import { runProcess } from '#service-host';
import { mesh } from './mesh.js';

await runProcess('polyscribe', mesh);
