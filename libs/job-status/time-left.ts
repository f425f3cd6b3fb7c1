import type { Job } from '#contracts';

/** What a worker reports when the engines begin, and when they have done all: what lies between is divided by audio. */
const BEGIN_PERCENT = 5;
const END_PERCENT = 95;

/** Below that share of the audio, the pace says too little about the rest. */
const MIN_SHARE = 0.02;
/** From that share on only the pace counts; before it, more and more. */
const TRUSTED_SHARE = 0.25;

/**
 * About how long a running job still takes, in whole seconds: at first by the speed that was measured of its engine before,
 * then by its own pace. undefined while nothing is known, and before the engines begin.
 */
export function secondsLeft(job: Job, now: Date): number | undefined {
  const begun = job.status === 'processing' ? workBegan(job) : undefined;
  if (!begun) return undefined;
  const elapsedMs = Math.max(0, now.getTime() - begun.getTime());
  const share = Math.min(1, Math.max(0, (job.progress - BEGIN_PERCENT) / (END_PERCENT - BEGIN_PERCENT)));
  const byPace = share < MIN_SHARE ? undefined : (elapsedMs * (1 - share)) / share;
  const bySpeed = expectedLeft(job.expectedMs, share, elapsedMs);
  const leftMs = blend(byPace, bySpeed, Math.min(1, share / TRUSTED_SHARE));
  // A job that runs is not over, however wrong the estimate was.
  return leftMs === undefined ? undefined : Math.max(1, Math.ceil(leftMs / 1000));
}

/** When the engines began in this attempt; the time in the queue says nothing about the pace. */
function workBegan({ stages }: Job): Date | undefined {
  const claimed = stages.findLastIndex(({ name }) => name === 'queued') + 1;
  return stages.slice(claimed).find(({ name }) => name === 'transcribing')?.startedAt;
}

function expectedLeft(expectedMs: number | undefined, share: number, elapsedMs: number): number | undefined {
  if (expectedMs === undefined) return undefined;
  return share > 0 ? expectedMs * (1 - share) : expectedMs - elapsedMs;
}

function blend(pace: number | undefined, speed: number | undefined, trust: number): number | undefined {
  if (pace === undefined || speed === undefined) return pace ?? speed;
  return trust * pace + (1 - trust) * speed;
}
