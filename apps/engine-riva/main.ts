import { runProcess } from '#service-host';
import { engineRiva } from './index.js';

await runProcess(engineRiva.name, [engineRiva]);
