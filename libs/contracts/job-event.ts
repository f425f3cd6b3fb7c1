import type { ErrorCode } from './error-table.js';
import type { EngineKind } from './engine.js';
import type { JobStatus } from './job.js';
import type { TranscriptSegment } from './transcript-segment.js';

/** What happens to a job, as it is stored in the event log and sent to clients. Times in seconds from the start. */
export type JobEventBody =
  | {
      readonly type: 'status';
      readonly data: {
        readonly job_id: string;
        readonly status: JobStatus;
        readonly progress: number;
        readonly stage: string;
        readonly message: string;
      };
    }
  /** A final segment, as soon as it is known. */
  | {
      readonly type: 'delta';
      readonly data: {
        readonly segment_id: string;
        readonly span: number;
        readonly text: string;
        readonly t0: number;
        readonly t1: number;
        readonly speaker_tag?: number;
        readonly channel?: number;
        /** Whose text it is, where several engines work on one recording. */
        readonly engine?: EngineKind;
      };
    }
  /** Text that may still change. */
  | { readonly type: 'partial'; readonly data: { readonly span: number; readonly text: string; readonly t0: number } }
  /** The span is being redone: its earlier deltas are void. */
  | { readonly type: 'void'; readonly data: { readonly span: number } }
  | {
      readonly type: 'completed';
      readonly data: {
        readonly job_id: string;
        readonly transcript_id: string;
        readonly language: string;
        readonly duration: number;
        readonly engine_used: EngineKind;
      };
    }
  | {
      readonly type: 'error';
      readonly data: { readonly job_id: string; readonly code: ErrorCode; readonly detail: string };
    }
  | { readonly type: 'cancelled'; readonly data: { readonly job_id: string } };

export type JobEventType = JobEventBody['type'];

/** One entry of a job's event log. */
export type JobEvent = JobEventBody & {
  /** Rises by one with each event of the job, from 1. */
  readonly seq: number;
};

/** After one of these nothing more comes, unless the job is retried. */
export function endsStream(type: JobEventType): boolean {
  return type === 'completed' || type === 'error' || type === 'cancelled';
}

/** The event by which subscribers learn of a segment. */
export function toDelta(segment: TranscriptSegment): JobEventBody {
  return {
    type: 'delta',
    data: {
      segment_id: segment.id,
      span: segment.span,
      text: segment.text,
      t0: segment.startMs / 1000,
      t1: segment.endMs / 1000,
      ...(segment.speakerTag === undefined ? {} : { speaker_tag: segment.speakerTag }),
      ...(segment.channel === undefined ? {} : { channel: segment.channel }),
    },
  };
}
