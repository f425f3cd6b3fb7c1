import { runProcess } from '#service-host';
import { worker } from './index.js';

await runProcess(worker.name, [worker]);
