export { assignSpeakerRoles, roleLanguageOf, type Utterance } from './assign-speaker-roles.js';
