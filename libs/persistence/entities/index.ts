import { ContextEntity } from './context.entity.js';
import { TranscriptEntity } from './transcript.entity.js';
import { TranscriptJobEntity } from './transcript-job.entity.js';
import { TranscriptSegmentEntity } from './transcript-segment.entity.js';
import { TranscriptSpanEntity } from './transcript-span.entity.js';

export { ContextEntity, TranscriptEntity, TranscriptJobEntity, TranscriptSegmentEntity, TranscriptSpanEntity };

export const entities = [
  ContextEntity,
  TranscriptEntity,
  TranscriptJobEntity,
  TranscriptSegmentEntity,
  TranscriptSpanEntity,
];
