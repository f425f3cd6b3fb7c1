import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import type { EngineKind, SpanState, TranscriptWarning } from '#contracts';
import { TranscriptJobEntity } from './transcript-job.entity.js';

/** A stretch of audio that is one engine call, and what came of it. */
@Entity('transcript_spans')
@Check('ck_transcript_spans_state', "state IN ('planned', 'running', 'done')")
@Check('ck_transcript_spans_times', 'span_index >= 0 AND start_ms >= 0 AND end_ms >= start_ms')
@Check('ck_transcript_spans_overlap', 'lead_ms BETWEEN 0 AND start_ms AND tail_ms >= 0')
export class TranscriptSpanEntity {
  @PrimaryColumn('bigint', { name: 'transcript_job_id', primaryKeyConstraintName: 'pk_transcript_spans' })
  @ForeignKey(() => TranscriptJobEntity, { name: 'fk_transcript_spans_job', onDelete: 'CASCADE' })
  transcriptJobId!: string;

  @PrimaryColumn('integer', { name: 'span_index', primaryKeyConstraintName: 'pk_transcript_spans' })
  index!: number;

  @Column('integer', { name: 'start_ms' })
  startMs!: number;

  @Column('integer', { name: 'end_ms' })
  endMs!: number;

  @Column('smallint', { nullable: true })
  channel!: number | null;

  /** Whether it is all of its channel: what a later attempt has to know to go on behind it, or not. */
  @Column('boolean', { name: 'is_whole', default: false })
  isWhole!: boolean;

  /** How much of the span before is heard as well, where speech runs on over the cut. */
  @Column('integer', { name: 'lead_ms', default: 0 })
  leadMs!: number;

  /** The same of the span behind. */
  @Column('integer', { name: 'tail_ms', default: 0 })
  tailMs!: number;

  /** Whether what it and the span before have heard both is joined. */
  @Column('boolean', { name: 'is_joined', default: false })
  isJoined!: boolean;

  @Column('text', { default: 'planned' })
  state!: SpanState;

  /** How often a worker began it. */
  @Column('integer', { default: 0 })
  tries!: number;

  @Column('text', { nullable: true })
  engine!: EngineKind | null;

  @Column('text', { nullable: true })
  instance!: string | null;

  @Column('text', { nullable: true })
  model!: string | null;

  @Column('text', { nullable: true })
  language!: string | null;

  @Column('jsonb', { default: [] })
  warnings!: TranscriptWarning[];

  @Column('timestamp with time zone', { name: 'updated_at', precision: 3, default: () => 'now()' })
  updatedAt!: Date;
}
