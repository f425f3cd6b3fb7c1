import type { ServiceDefinition } from '#service-host';

/** Turns queued jobs into transcripts. */
export const worker: ServiceDefinition = {
  name: 'worker',
  needs: ['database', 'registry'],
  provides: [],
  start: async (context) => (await import('./start-worker.js')).startWorker(context),
};
