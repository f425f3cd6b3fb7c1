import { runProcess } from '#service-host';
import { engineRegistry } from './engine-registry.js';

await runProcess(engineRegistry.name, [engineRegistry]);
