import { JobsAndTranscripts1790000000001 } from './0001-jobs-and-transcripts.migration.js';

/** In the order in which they run; TypeORM goes by the number at the end of the name. */
export const migrations = [JobsAndTranscripts1790000000001];
