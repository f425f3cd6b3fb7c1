import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import type { TranscriptWord } from '#contracts';
import { TranscriptSpanEntity } from './transcript-span.entity.js';

/** A stretch of text of a finished span. */
@Entity('transcript_segments')
@ForeignKey(() => TranscriptSpanEntity, ['transcriptJobId', 'spanIndex'], ['transcriptJobId', 'index'], {
  name: 'fk_transcript_segments_span',
  onDelete: 'CASCADE',
})
@Check('ck_transcript_segments_times', 'start_ms >= 0 AND end_ms >= start_ms')
export class TranscriptSegmentEntity {
  @PrimaryColumn('bigint', { name: 'transcript_job_id', primaryKeyConstraintName: 'pk_transcript_segments' })
  transcriptJobId!: string;

  @PrimaryColumn('integer', { name: 'span_index', primaryKeyConstraintName: 'pk_transcript_segments' })
  spanIndex!: number;

  /** From 0 in the order in which the engine gave them. */
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'pk_transcript_segments' })
  ordinal!: number;

  @Column('text', { name: 'segment_id' })
  segmentId!: string;

  @Column('integer', { name: 'start_ms' })
  startMs!: number;

  @Column('integer', { name: 'end_ms' })
  endMs!: number;

  @Column('text')
  text!: string;

  @Column('integer', { name: 'speaker_tag', nullable: true })
  speakerTag!: number | null;

  @Column('smallint', { nullable: true })
  channel!: number | null;

  @Column('real', { nullable: true })
  confidence!: number | null;

  @Column('jsonb', { nullable: true })
  words!: TranscriptWord[] | null;
}
