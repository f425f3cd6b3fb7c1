import { runProcess } from '#service-host';
import { engineLocal } from './index.js';

await runProcess(engineLocal.name, [engineLocal]);
