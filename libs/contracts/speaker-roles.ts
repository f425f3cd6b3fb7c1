/** Pairs of roles between which speakers can be told apart. */
export const roleSetNames = ['clinical', 'support', 'interview'] as const;
export type RoleSetName = (typeof roleSetNames)[number];

export const roleSetChoices = [...roleSetNames, 'none'] as const;
export type RoleSetChoice = (typeof roleSetChoices)[number];

/** A speaker's part in the conversation. */
export type SpeakerRole = 'provider' | 'patient' | 'agent' | 'customer' | 'interviewer' | 'interviewee';

/** Speaker tag to role. Speakers whose role is not clear are left out. */
export type SpeakerRoles = Readonly<Record<string, SpeakerRole>>;
