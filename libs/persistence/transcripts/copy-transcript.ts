import type { EngineKind, SpeakerRoles, TranscriptWarning } from '#contracts';
import type { Transaction } from '../database.js';
import { copyLanes } from '../joint/copy-lanes.js';
import { TranscriptEntity, TranscriptSegmentEntity, TranscriptSpanEntity } from '../entities/index.js';

/** What is said about a copied transcript as a whole. */
export interface CopiedTranscript {
  readonly language: string;
  readonly durationMs: number;
  readonly engineUsed: EngineKind;
  readonly model: string;
  readonly speakerRoles?: SpeakerRoles;
  readonly warnings: readonly TranscriptWarning[];
}

/**
 * Copies the newest transcript that the same recording and the same options gave into the job, unless something of the
 * job was begun. One that another engine made than the one asked for is not taken, since that one may be up again; neither
 * is one that is being erased.
 *
 * @param id the row of the job, which the caller has locked
 * @returns undefined, with nothing written, where there is none
 */
export async function copyTranscript(transaction: Transaction, id: string): Promise<CopiedTranscript | undefined> {
  const { manager, query } = transaction;
  const [target] = await query<{ transcriptId: string; copied: boolean; begun: boolean }>(
    `SELECT transcript_id AS "transcriptId", reused_from IS NOT NULL AS copied,
       EXISTS (SELECT FROM transcript_spans WHERE transcript_job_id = $1) AS begun
     FROM transcript_jobs WHERE id = $1`,
    [id],
  );
  if (!target || (target.begun && !target.copied)) return undefined;
  if (!target.copied) {
    const [source] = await query<Source>(newestSource, [id]);
    if (!source) return undefined;
    await copyRows(transaction, TranscriptSpanEntity, id, source.id);
    await copyRows(transaction, TranscriptSegmentEntity, id, source.id);
    await copyLanes(transaction, id, source.id);
    await query(headOf(transaction), [target.transcriptId, source.transcriptId]);
    await query(
      `UPDATE transcript_jobs SET reused_from = $2, media_facts = coalesce(media_facts, $3::jsonb), updated_at = now()
       WHERE id = $1`,
      [id, source.jobId, source.facts],
    );
  }
  return toCopied(await manager.findOneByOrFail(TranscriptEntity, { id: target.transcriptId }));
}

interface Source {
  readonly id: string;
  readonly jobId: string;
  readonly transcriptId: string;
  readonly facts: string | null;
}

/** Locked against its removal, which would leave half a copy. */
const newestSource = `SELECT source.id, source.job_id AS "jobId", source.transcript_id AS "transcriptId",
    source.media_facts::text AS facts
  FROM transcript_jobs AS target
  JOIN transcript_jobs AS source ON source.media_sha256 = target.media_sha256
    AND source.options_digest = target.options_digest AND source.status = 'completed'
  JOIN transcripts ON transcripts.id = source.transcript_id
  WHERE target.id = $1 AND target.media_sha256 <> '' AND target.options_digest <> ''
    AND transcripts.fallback_reason IS NULL
    AND NOT EXISTS (SELECT FROM transcript_lanes AS lane
      WHERE lane.transcript_job_id = source.id AND lane.error_code IS NOT NULL)
    AND NOT EXISTS (SELECT FROM erasures WHERE erasures.transcript_id = source.transcript_id)
  ORDER BY source.completed_at DESC LIMIT 1 FOR KEY SHARE OF source`;

/** All columns that there are, so that one that is added later is not forgotten. */
function columnsOf({ manager }: Transaction, entity: typeof TranscriptEntity | JobPart): string[] {
  return manager.dataSource.getMetadata(entity).columns.map(({ databaseName }) => databaseName);
}

type JobPart = typeof TranscriptSpanEntity | typeof TranscriptSegmentEntity;

async function copyRows(transaction: Transaction, part: JobPart, to: string, from: string): Promise<void> {
  const table = transaction.manager.dataSource.getMetadata(part).tableName;
  const columns = columnsOf(transaction, part).filter((name) => name !== 'transcript_job_id');
  await transaction.query(
    `INSERT INTO ${table} (transcript_job_id, ${columns.join(', ')})
     SELECT $1, ${columns.join(', ')} FROM ${table} WHERE transcript_job_id = $2`,
    [to, from],
  );
}

function headOf(transaction: Transaction): string {
  const own = ['id', 'created_at', 'updated_at'];
  const columns = columnsOf(transaction, TranscriptEntity).filter((name) => !own.includes(name));
  return `UPDATE transcripts SET updated_at = now(), ${columns.map((name) => `${name} = source.${name}`).join(', ')}
    FROM transcripts AS source WHERE transcripts.id = $1 AND source.id = $2`;
}

function toCopied(row: TranscriptEntity): CopiedTranscript {
  return {
    language: row.language ?? '',
    durationMs: row.durationMs ?? 0,
    engineUsed: row.engineUsed ?? 'local',
    model: row.model ?? '',
    ...(row.speakerRoles === null ? {} : { speakerRoles: row.speakerRoles }),
    warnings: row.warnings,
  };
}
