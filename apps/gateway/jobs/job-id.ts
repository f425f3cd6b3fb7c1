import { PolyscribeError } from '#contracts';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Anything else is the id of nothing, and PostgreSQL would refuse it as malformed. */
export function isUuid(id: string): boolean {
  return uuid.test(id);
}

export function unknownJob(id: string): PolyscribeError {
  return new PolyscribeError('job_not_found', `There is no job ${shown(id)}.`);
}

export function unknownTranscript(id: string): PolyscribeError {
  return new PolyscribeError('transcript_not_found', `There is no transcript ${shown(id)}.`);
}

function shown(id: string): string {
  return isUuid(id) ? id : 'with that id';
}
