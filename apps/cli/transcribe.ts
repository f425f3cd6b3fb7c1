import { randomUUID } from 'node:crypto';
import type { JobNews, SubmittedJob } from './api-client.js';
import type { Arguments } from './arguments.js';
import { CliError, MeshUnreachableError } from './cli-error.js';
import { type MeshConnection, connect } from './mesh-connection.js';
import type { ProgressView } from './progress-view.js';

/** How often a mesh that goes away under us is looked for or started again before we give up: each of many runs takes one with it. */
const MAX_CONNECTIONS = 12;
/** How often the event stream of one mesh is opened again when it ends before the job does. */
const MAX_STREAMS = 100;

export interface Surroundings {
  readonly progress: ProgressView;
  readonly say: (message: string) => void;
  readonly signal: AbortSignal;
  /** Takes what is to be printed, before a mesh that we started is stopped again: nobody should wait for that. */
  readonly deliver: (text: string) => Promise<void>;
}

/**
 * Sends the file to a mesh and waits for the text.
 *
 * A mesh may go away in between: it belongs to another run of this command that has ended, or it was killed. The job is
 * in the database all the same, so the next mesh on that folder goes on with it and we follow it there.
 */
export async function transcribe(args: Arguments, around: Surroundings): Promise<void> {
  const key = randomUUID();
  let job: SubmittedJob | undefined;
  for (let connections = 1; ; connections++) {
    let mesh: MeshConnection | undefined;
    try {
      // A job that is there is cancelled by a mesh only: then one is got also by a user who has given up.
      mesh = await connect(args.server, around.say, job ? undefined : around.signal);
      job ??= await mesh.api.submit(args.file, args.options, key, around.signal);
      await waitForEnd(mesh, job.jobId, around);
      const text = await printable(mesh, job, args);
      around.progress.end();
      await around.deliver(text);
      return;
    } catch (error) {
      if (!(error instanceof MeshUnreachableError)) throw error;
      if (connections === MAX_CONNECTIONS)
        throw new CliError(`The mesh keeps going away. ${error.message}`, { cause: error });
    } finally {
      around.progress.end();
      if (around.signal.aborted && job) await mesh?.api.cancel(job.jobId).catch(() => undefined);
      await mesh?.close();
    }
  }
}

async function printable(mesh: MeshConnection, job: SubmittedJob, args: Arguments): Promise<string> {
  return args.json ? mesh.api.result(job.jobId) : mesh.api.download(job.transcriptId, args.format);
}

async function waitForEnd(mesh: MeshConnection, jobId: string, around: Surroundings): Promise<void> {
  let lastEventId: string | undefined;
  for (let streams = 0; streams < MAX_STREAMS; streams++) {
    for await (const news of mesh.api.watch(jobId, lastEventId, around.signal)) {
      if (news.type === 'progress') {
        lastEventId = news.id;
        around.progress.show(news.progress, news.stage);
      } else {
        judgeEnd(news);
        return;
      }
    }
  }
  throw new CliError('The event stream keeps ending before the job does.');
}

function judgeEnd(news: Exclude<JobNews, { type: 'progress' }>): void {
  if (news.type === 'failed') throw new CliError(`${news.detail} (${news.code})`);
  if (news.type === 'cancelled') throw new CliError('The job was cancelled.');
}
