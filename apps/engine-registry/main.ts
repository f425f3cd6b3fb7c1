import { runProcess } from '#service-host';
import { engineRegistry } from './index.js';

await runProcess(engineRegistry.name, [engineRegistry]);
