export { startWorker, worker } from './worker.js';
export { type WorkerSettings, workerSettings } from './worker-settings.js';
