import type { Scenario } from './harness/scenario.js';
import { decodeToEngine } from './scenarios/decode-to-engine.js';
import { fanOut } from './scenarios/fan-out.js';
import { firstText, meshOverhead } from './scenarios/local-engine.js';
import { localThroughputBase, localThroughputTiny } from './scenarios/local-throughput.js';
import { shortJobsOnPostgres, shortJobsOnRedis } from './scenarios/short-jobs.js';
import { spanScaling } from './scenarios/span-scaling.js';
import { submit } from './scenarios/submit.js';
import { upload } from './scenarios/upload.js';
import { waitsOnPostgres, waitsOnRedis } from './scenarios/waits.js';
import { workerFailover } from './scenarios/worker-failover.js';

/** Every scenario, in the order in which they run. */
export const catalogue: readonly Scenario[] = [
  decodeToEngine,
  localThroughputTiny,
  localThroughputBase,
  meshOverhead,
  submit,
  upload,
  shortJobsOnRedis,
  shortJobsOnPostgres,
  fanOut,
  firstText,
  spanScaling,
  waitsOnRedis,
  waitsOnPostgres,
  workerFailover,
];
