import type { Job, SpeakerRoles, TranscriptWarning } from '#contracts';
import type { JobLeaseRepository, Lease } from '#persistence';
import { assignSpeakerRoles, roleLanguageOf } from '#speaker-roles';
import type { TranscriptSummary } from './transcript-summary.js';

/** A summary with the roles of the speakers, where they are clear. */
export interface FinishedTranscript extends TranscriptSummary {
  readonly speakerRoles?: SpeakerRoles;
}

/** What is taken where the client named no roles. */
const DEFAULT_ROLES = 'clinical';

/**
 * Works out the roles of the speakers from all that was said. Spans of earlier attempts count as well, so the segments come
 * from the database.
 *
 * @throws LeaseLostError
 */
export async function withSpeakerRoles(
  summary: TranscriptSummary,
  { options }: Job,
  lease: Lease,
  leases: Pick<JobLeaseRepository, 'speech'>,
): Promise<FinishedTranscript> {
  const set = options.speakerRoles ?? DEFAULT_ROLES;
  if (set === 'none' || !options.enableDiarization) return summary;
  if (roleLanguageOf(summary.language) === undefined) {
    // Who did not ask for roles does not miss them.
    const isKnown = summary.warnings.some(({ code }) => code === unknown.code);
    const asked = options.speakerRoles !== undefined;
    return asked && !isKnown ? { ...summary, warnings: [...summary.warnings, unknown] } : summary;
  }
  const speakerRoles = assignSpeakerRoles(await leases.speech(lease), set, summary.language);
  return speakerRoles ? { ...summary, speakerRoles } : summary;
}

const unknown: TranscriptWarning = {
  code: 'speaker_roles',
  message: 'Speaker roles are told apart in English, Portuguese and Spanish only.',
};
