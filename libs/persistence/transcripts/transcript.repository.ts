import { type EngineKind, isJoint, type Transcript, type TranscriptSegment } from '#contracts';
import type { Database } from '../database.js';
import {
  TranscriptEntity,
  TranscriptJobEntity,
  TranscriptSegmentEntity,
  TranscriptSpanEntity,
} from '../entities/index.js';
import { jointParts } from '../joint/lane-transcripts.js';
import { toSegment } from './segment-store.js';

/** A finished transcript without its text. */
export type TranscriptSummary = Omit<Transcript, 'segments' | 'lanes' | 'comparison'>;

/** Finished transcripts. A job that has not completed has none. */
export class TranscriptRepository {
  constructor(private readonly database: Database) {}

  async findByJob(jobId: string): Promise<Transcript | undefined> {
    return this.findWhole({ jobId });
  }

  async findById(transcriptId: string): Promise<Transcript | undefined> {
    return this.findWhole({ transcriptId });
  }

  /** The transcript without its segments, which may be many. */
  async summary(jobId: string): Promise<TranscriptSummary | undefined> {
    return (await this.findHead({ jobId }))?.summary;
  }

  /** How long the audio is and how many segments it gave. */
  async counts(jobId: string): Promise<{ segments: number; durationMs: number } | undefined> {
    const head = await this.findHead({ jobId });
    if (!head) return undefined;
    const segments = await this.database.run((manager) =>
      manager.countBy(TranscriptSegmentEntity, { transcriptJobId: head.rowId }),
    );
    return { segments, durationMs: head.summary.durationMs };
  }

  private async findWhole(key: { jobId: string } | { transcriptId: string }): Promise<Transcript | undefined> {
    const head = await this.findHead(key);
    if (!head) return undefined;
    const { rows, spans } = await this.database.run(async (manager) => ({
      rows: await manager.find(TranscriptSegmentEntity, {
        where: { transcriptJobId: head.rowId },
        order: { startMs: 'ASC', spanIndex: 'ASC', ordinal: 'ASC' },
      }),
      spans: await manager.find(TranscriptSpanEntity, {
        select: { index: true, engine: true },
        where: { transcriptJobId: head.rowId },
      }),
    }));
    const engines = new Map(spans.flatMap(({ index, engine }) => (engine === null ? [] : [[index, engine] as const])));
    const isMixed = !head.joint && new Set(engines.values()).size > 1;
    const by = ({ span }: TranscriptSegment) => (isMixed ? engineOf(engines.get(span)) : {});
    return {
      ...head.summary,
      segments: rows.map(toSegment).map((segment) => ({ ...segment, ...by(segment) })),
      ...(head.joint ? await jointParts(this.database, head.rowId) : {}),
    };
  }

  private async findHead(
    key: { jobId: string } | { transcriptId: string },
  ): Promise<{ rowId: string; joint: boolean; summary: TranscriptSummary } | undefined> {
    return this.database.run(async (manager) => {
      const job = await manager.findOneBy(TranscriptJobEntity, { ...key, status: 'completed' });
      if (!job) return undefined;
      // It may be erased between the two.
      const row = await manager.findOneBy(TranscriptEntity, { id: job.transcriptId });
      const summary = row && toSummary(row, job.jobId);
      return summary ? { rowId: job.id, joint: isJoint(job.engine), summary } : undefined;
    });
  }
}

function engineOf(engine: EngineKind | undefined): { engine?: EngineKind } {
  return engine === undefined ? {} : { engine };
}

function toSummary(row: TranscriptEntity, jobId: string): TranscriptSummary | undefined {
  const { id, language, durationMs, engineUsed, model, fallbackReason, speakerRoles, warnings } = row;
  if (language === null || durationMs === null || engineUsed === null || model === null) return undefined;
  return {
    ...{ id, jobId, language, durationMs, engineUsed, model, warnings },
    ...(fallbackReason === null ? {} : { fallbackReason }),
    ...(speakerRoles === null ? {} : { speakerRoles }),
  };
}
