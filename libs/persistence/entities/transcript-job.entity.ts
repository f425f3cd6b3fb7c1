import { Check, Column, Entity, ForeignKey, Index, PrimaryGeneratedColumn, Unique } from 'typeorm';
import type { ErrorCode, FailedAttempt, JobEngine, JobOptions, JobStatus, MediaFacts } from '#contracts';
import { TranscriptEntity } from './transcript.entity.js';

/** What `error_details` holds: failed engine calls from the first on, the rest once the job failed. */
export interface ErrorDetails {
  readonly code?: ErrorCode;
  readonly message?: string;
  readonly retryable?: boolean;
  readonly attempts?: readonly FailedAttempt[];
}

/** One element of `stages`; the last has no `seconds` while it runs. */
export interface StageRecord {
  readonly name: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly seconds?: number;
}

/** The row that is the truth about a job. `id` is the row's own number, `job_id` the name that the world knows. */
@Entity('transcript_jobs')
@Unique('uq_transcript_jobs_job', ['jobId'])
@Unique('uq_transcript_jobs_transcript', ['transcriptId'])
@Index('ix_transcript_jobs_created', ['createdAt', 'id'])
@Index('ix_transcript_jobs_status', ['status', 'createdAt', 'id'])
@Index('ix_transcript_jobs_session', ['sessionId', 'createdAt', 'id'], { where: 'session_id IS NOT NULL' })
@Index('ix_transcript_jobs_unfinished', ['id'], { where: "status IN ('queued', 'processing')" })
@Index('ix_transcript_jobs_remote', ['id'], { where: "is_remote AND status IN ('queued', 'processing')" })
@Index('ix_transcript_jobs_unannounced', ['id'], {
  where: "NOT announced AND status IN ('completed', 'failed', 'cancelled')",
})
@Index('ix_transcript_jobs_media', ['completedAt', 'id'], {
  where: 'media_removed_at IS NULL AND completed_at IS NOT NULL',
})
@Index('ix_transcript_jobs_reuse', ['mediaSha256', 'optionsDigest', 'completedAt'], { where: "status = 'completed'" })
@Index('ix_transcript_jobs_line', ['demand', 'priority', 'owner', 'notBefore', 'id'], { where: "status = 'queued'" })
@Check('ck_transcript_jobs_engine', "engine IN ('auto', 'asr', 'whisperx', 'local', 'compare', 'consensus')")
@Check('ck_transcript_jobs_status', "status IN ('queued', 'processing', 'completed', 'failed', 'cancelled')")
@Check('ck_transcript_jobs_progress', 'progress BETWEEN 0 AND 100')
@Check('ck_transcript_jobs_priority', 'priority BETWEEN 0 AND 9')
@Check('ck_transcript_jobs_counts', 'attempts >= 0 AND max_retries >= 0 AND run >= 0 AND media_bytes >= 0')
@Check('ck_transcript_jobs_source', 'media_key IS NOT NULL OR source_url IS NOT NULL')
@Check('ck_transcript_jobs_lease', "(status = 'processing') = (lease_token IS NOT NULL)")
@Check('ck_transcript_jobs_end', "(status IN ('completed', 'failed', 'cancelled')) = (completed_at IS NOT NULL)")
export class TranscriptJobEntity {
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'pk_transcript_jobs',
  })
  id!: string;

  @Column('uuid', { name: 'job_id' })
  jobId!: string;

  @Column('uuid', { name: 'transcript_id' })
  @ForeignKey(() => TranscriptEntity, { name: 'fk_transcript_jobs_transcript', onDelete: 'CASCADE' })
  transcriptId!: string;

  @Column('text', { default: 'asr' })
  engine!: JobEngine;

  /** All that the client asked for. */
  @Column('jsonb', { name: 'engine_params' })
  engineParams!: JobOptions;

  @Column('text', { name: 'session_id', nullable: true })
  sessionId!: string | null;

  @Column('smallint', { default: 0 })
  priority!: number;

  /** Whose turn it takes: the session, empty without one. Set by a trigger whenever the job begins to wait. */
  @Column('text', { nullable: true })
  owner!: string | null;

  /** Stands for the options that decide which engines can serve it. Set with the owner. */
  @Column('uuid', { nullable: true })
  demand!: string | null;

  /** Where the recording is to be fetched; null for one that was uploaded. */
  @Column('text', { name: 'source_url', nullable: true })
  sourceUrl!: string | null;

  @Column('text', { name: 'media_filename' })
  mediaFilename!: string;

  /** The media are there, or have been; null until they are fetched. */
  @Column('text', { name: 'media_key', nullable: true })
  mediaKey!: string | null;

  @Column('bigint', { name: 'media_bytes', transformer: { to: Number, from: Number }, default: 0 })
  mediaBytes!: number;

  @Column('text', { name: 'media_sha256', default: '' })
  mediaSha256!: string;

  @Column('text', { name: 'media_type', default: '' })
  mediaType!: string;

  /** What the headers of the media say; null until they were read. */
  @Column('jsonb', { name: 'media_facts', nullable: true })
  mediaFacts!: MediaFacts | null;

  /** The same for equal options, as far as they decide the text; empty in rows that are older than it. */
  @Column('text', { name: 'options_digest', default: '' })
  optionsDigest!: string;

  /** The job whose transcript was copied; without a reference, as either may go without the other. */
  @Column('uuid', { name: 'reused_from', nullable: true })
  reusedFrom!: string | null;

  /** How long the engines should take for all of it, as it looked when they began. */
  @Column('double precision', { name: 'expected_ms', nullable: true })
  expectedMs!: number | null;

  /** When the media went; the object may be there a little longer. */
  @Column('timestamp with time zone', { name: 'media_removed_at', precision: 3, nullable: true })
  mediaRemovedAt!: Date | null;

  @Column('text', { default: 'queued' })
  status!: JobStatus;

  @Column('double precision', { default: 0 })
  progress!: number;

  @Column('text', { default: 'queued' })
  stage!: string;

  @Column('text', { default: '' })
  message!: string;

  @Column('jsonb', { default: [] })
  stages!: StageRecord[];

  @Column('text', { name: 'worker_id', nullable: true })
  workerId!: string | null;

  /** A remote worker is to do it: workers of the mesh only offer and finish it. */
  @Column('boolean', { name: 'is_remote', default: false })
  isRemote!: boolean;

  /** Why the mesh does what a remote worker was to do. */
  @Column('text', { name: 'mesh_reason', nullable: true })
  meshReason!: string | null;

  /** Claims since the job was made or last retried. */
  @Column('integer', { default: 0 })
  attempts!: number;

  /** The last of these attempts that finished a span; it and those before it do not count towards `max_retries`. */
  @Column('integer', { name: 'fruitful_attempts', default: 0 })
  fruitfulAttempts!: number;

  @Column('integer', { name: 'max_retries', default: 3 })
  maxRetries!: number;

  /** Rises with every claim and every retry and never falls: names one run of the job, and with it its end. */
  @Column('integer', { default: 0 })
  run!: number;

  @Column('uuid', { name: 'lease_token', nullable: true })
  leaseToken!: string | null;

  @Column('timestamp with time zone', { name: 'lease_until', precision: 3, nullable: true })
  leaseUntil!: Date | null;

  @Column('timestamp with time zone', { name: 'not_before', precision: 3, default: () => 'now()' })
  notBefore!: Date;

  /** When it was first put back because every engine was full, since it last got on. */
  @Column('timestamp with time zone', { name: 'busy_since', precision: 3, nullable: true })
  busySince!: Date | null;

  /** When it was first put back because no engine was up or a dependency away, since one last answered. */
  @Column('timestamp with time zone', { name: 'outage_since', precision: 3, nullable: true })
  outageSince!: Date | null;

  /** Raised by a trigger with every change of the row, so that no statement can forget to. */
  @Column('bigint', { default: 0, transformer: { to: Number, from: Number } })
  revision!: number;

  @Column('boolean', { name: 'cancel_requested', default: false })
  cancelRequested!: boolean;

  /** Whether the event that tells of the job's end has been published. */
  @Column('boolean', { default: false })
  announced!: boolean;

  @Column('jsonb', { name: 'error_details', nullable: true })
  errorDetails!: ErrorDetails | null;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3, default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamp with time zone', { name: 'updated_at', precision: 3, default: () => 'now()' })
  updatedAt!: Date;

  @Column('timestamp with time zone', { name: 'started_at', precision: 3, nullable: true })
  startedAt!: Date | null;

  /** When it ended, whichever way. */
  @Column('timestamp with time zone', { name: 'completed_at', precision: 3, nullable: true })
  completedAt!: Date | null;
}
