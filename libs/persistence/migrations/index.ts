import { JobsAndTranscripts1790000000001 } from './0001-jobs-and-transcripts.migration.js';
import { JobRevision1790000000002 } from './0002-job-revision.migration.js';
import { WholeSpans1790000000003 } from './0003-whole-spans.migration.js';
import { MediaRemoval1790000000004 } from './0004-media-removal.migration.js';
import { Waits1790000000005 } from './0005-waits.migration.js';
import { ContextsAndRoles1790000000006 } from './0006-contexts-and-roles.migration.js';
import { RemoteMedia1790000000007 } from './0007-remote-media.migration.js';
import { FruitfulAttempts1790000000008 } from './0008-fruitful-attempts.migration.js';
import { Webhooks1790000000009 } from './0009-webhooks.migration.js';
import { Erasures1790000000012 } from './0012-erasures.migration.js';
import { IdempotencyKeys1790000000013 } from './0013-idempotency-keys.migration.js';
import { Uploads1790000000014 } from './0014-uploads.migration.js';
import { Workers1790000000016 } from './0016-workers.migration.js';
import { RemoteWorkers1790000000017 } from './0017-remote-workers.migration.js';
import { MediaFactsAndReuse1790000000019 } from './0019-media-facts-and-reuse.migration.js';
import { SpanOverlaps1790000000021 } from './0021-span-overlaps.migration.js';
import { JointTranscripts1790000000023 } from './0023-joint-transcripts.migration.js';
import { JobLines1790000000025 } from './0025-job-lines.migration.js';
import { QuickClaims1790000000026 } from './0026-quick-claims.migration.js';
import { NextJobs1790000000028 } from './0028-next-jobs.migration.js';
import { SeveralNextJobs1790000000029 } from './0029-several-next-jobs.migration.js';

/** In the order in which they run; TypeORM goes by the number at the end of the name. */
export const migrations = [
  JobsAndTranscripts1790000000001,
  JobRevision1790000000002,
  WholeSpans1790000000003,
  MediaRemoval1790000000004,
  Waits1790000000005,
  ContextsAndRoles1790000000006,
  RemoteMedia1790000000007,
  FruitfulAttempts1790000000008,
  Webhooks1790000000009,
  Erasures1790000000012,
  IdempotencyKeys1790000000013,
  Uploads1790000000014,
  Workers1790000000016,
  RemoteWorkers1790000000017,
  MediaFactsAndReuse1790000000019,
  SpanOverlaps1790000000021,
  JointTranscripts1790000000023,
  JobLines1790000000025,
  QuickClaims1790000000026,
  NextJobs1790000000028,
  SeveralNextJobs1790000000029,
];
