import { runProcess } from '#service-host';
import { engineLocal } from './engine-local.js';

await runProcess(engineLocal.name, [engineLocal]);
