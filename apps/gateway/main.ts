import { runProcess } from '#service-host';
import { gateway } from './index.js';

await runProcess(gateway.name, [gateway]);
