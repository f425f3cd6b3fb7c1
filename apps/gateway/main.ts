import { runProcess } from '#service-host';
import { gateway } from './gateway.definition.js';

await runProcess('gateway', [gateway]);
