import { result, type ResultBody, type SseMessage, textsFromDeltas } from '../support/api.js';
import type { EventReader } from './event-reader.js';
import type { SpokenItem } from './spoken-item.js';

export interface Judgement {
  /** Jobs that the database knows of. */
  jobs: number;
  /** Accepted jobs that did not end as they must: not completed, or with another text. */
  readonly losses: string[];
  /** Recordings that became two jobs, transcripts that hold something twice, and events that came twice or out of order. */
  readonly duplicates: string[];
  /** Events that a reader did not see, or that do not lead to the transcript. */
  readonly gaps: string[];
}

interface ListedJob {
  readonly job_id: string;
  readonly status: string;
  readonly error?: { readonly code: string; readonly message: string };
}

/** Holds what every job and every reader ended with against what was said. */
export async function judge(
  http: string,
  items: readonly SpokenItem[],
  accepted: readonly string[],
  readers: readonly EventReader[],
): Promise<Judgement> {
  const judgement: Judgement = { jobs: 0, losses: [], duplicates: [], gaps: [] };
  const said = new Map(items.map((item) => [item.key, item]));
  const jobs = await allJobs(http);
  judgement.jobs = jobs.length;
  const known = new Set(jobs.map((job) => job.job_id));
  for (const id of accepted) if (!known.has(id)) judgement.losses.push(`${id}: accepted, and then unknown`);
  const results = new Map<string, ResultBody>();
  const unmade = new Set(said.keys());
  for (const job of jobs) {
    if (job.status === 'completed') {
      const body = await result(http, job.job_id);
      results.set(job.job_id, body);
      const item = said.get(String(body.db_id));
      judgeResult(job.job_id, body, item, judgement);
      if (item && !unmade.delete(item.key)) judgement.duplicates.push(`${item.key}: became more than one job`);
    } else {
      judgement.losses.push(`${job.job_id}: ${job.status} ${job.error?.code ?? ''} ${job.error?.message ?? ''}`);
    }
  }
  for (const reader of readers) judgeReader(reader, results.get(reader.jobId), judgement);
  return judgement;
}

async function allJobs(http: string): Promise<ListedJob[]> {
  const jobs: ListedJob[] = [];
  let cursor = '';
  do {
    const response = await fetch(`${http}/api/transcribe/jobs?limit=200${cursor}`);
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    const page = (await response.json()) as { jobs: ListedJob[]; next_cursor?: string };
    jobs.push(...page.jobs);
    cursor = page.next_cursor === undefined ? '' : `&cursor=${encodeURIComponent(page.next_cursor)}`;
  } while (cursor !== '');
  return jobs;
}

function judgeResult(id: string, body: ResultBody, item: SpokenItem | undefined, judgement: Judgement): void {
  const { segments, text } = body;
  const twice = segments.length - new Set(segments.map((segment) => segment.id)).size;
  const backwards = segments.filter((segment, index) => segment.start < (segments[index - 1]?.start ?? 0)).length;
  const doubled = item !== undefined && segments.length > item.sentences && text !== item.text;
  if (twice > 0 || backwards > 0 || doubled) judgement.duplicates.push(`${id}: segments twice or out of order`);
  if (text !== item?.text) judgement.losses.push(`${id}: another text than ${item?.key ?? 'any recording'}`);
  if (text !== segments.map((segment) => segment.text).join(' '))
    judgement.losses.push(`${id}: text and segments differ`);
}

/** The log of a job counts its events from 1 without a gap: so must every reader's. */
function judgeReader(reader: EventReader, body: ResultBody | undefined, judgement: Judgement): void {
  const ids = reader.messages.map(({ id }) => Number(id));
  const who = `reader of ${reader.jobId}`;
  const repeated = ids.filter((id, index) => index > 0 && id <= (ids[index - 1] ?? 0)).length;
  if (repeated > 0) judgement.duplicates.push(`${who}: ${repeated} events twice or out of order`);
  const expected = ids.map((_id, index) => index + 1);
  if (repeated === 0 && ids.some((id, index) => id !== expected[index])) {
    judgement.gaps.push(`${who}: missed events, saw ${ids.join(' ')}`);
  }
  if (reader.last?.type !== 'completed') {
    judgement.gaps.push(`${who}: ended with ${reader.last?.type ?? 'nothing'} ${reader.problem}`);
    return;
  }
  if (body && assembled(reader.messages) !== body.text) {
    judgement.gaps.push(`${who}: its deltas do not give the transcript`);
  }
}

/** What a client holds after it applied deltas and voids. */
function assembled(messages: readonly SseMessage[]): string {
  const texts = textsFromDeltas(messages);
  return [...texts.entries()]
    .toSorted(([a], [b]) => compareIds(a, b))
    .map(([, text]) => text)
    .join(' ');
}

function compareIds(a: string, b: string): number {
  const [spanA = 0, placeA = 0] = a.split('-').map(Number);
  const [spanB = 0, placeB = 0] = b.split('-').map(Number);
  return spanA - spanB || placeA - placeB;
}
