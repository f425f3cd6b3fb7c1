import { Check, Column, Entity, PrimaryColumn } from 'typeorm';
import type { EngineKind, SpeakerRoles, TranscriptWarning } from '#contracts';

/** What a job became. The columns without value are filled when the job completes. */
@Entity('transcripts')
@Check('ck_transcripts_duration', 'duration_ms >= 0')
export class TranscriptEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_transcripts' })
  id!: string;

  @Column('text', { nullable: true })
  language!: string | null;

  @Column('integer', { name: 'duration_ms', nullable: true })
  durationMs!: number | null;

  @Column('text', { name: 'engine_used', nullable: true })
  engineUsed!: EngineKind | null;

  @Column('text', { nullable: true })
  model!: string | null;

  @Column('text', { name: 'fallback_reason', nullable: true })
  fallbackReason!: string | null;

  @Column('jsonb', { name: 'speaker_roles', nullable: true })
  speakerRoles!: SpeakerRoles | null;

  @Column('jsonb', { default: [] })
  warnings!: TranscriptWarning[];

  @Column('timestamp with time zone', { name: 'created_at', precision: 3, default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamp with time zone', { name: 'updated_at', precision: 3, default: () => 'now()' })
  updatedAt!: Date;
}
