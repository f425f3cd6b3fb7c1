import { PolyscribeError } from '#contracts';
import { storableJson } from '../storable.js';
import type { Lease } from './lease.js';

/** What a statement on several jobs gives for each of them. */
export interface HeldRow {
  readonly place: number;
}

/** What goes into such a statement for one of them. */
interface OfLease {
  readonly lease: Lease;
}

/**
 * The rows of jobs that are held, as `job`, locked for the rest of the statement and in the order of their ids, each with
 * what is to be written of it. A job that is not held, or no longer, is not among them. What jobs of one moment write is
 * written by statements that begin so, in one round trip and one commit for all of them.
 *
 * `$1` is what `byHeldJob` gives, and `$2` how many they are, so that the server knows it for a few when it plans.
 *
 * @param columns what it says of each, with types
 */
export function heldJobs(columns: string): string {
  return `WITH item AS MATERIALIZED (
    SELECT * FROM json_to_recordset($1::json) AS item (place integer, of_job uuid, token uuid, ${columns}) LIMIT $2::integer
  ), job AS MATERIALIZED (
    SELECT held.id, held.transcript_id, item.* FROM item CROSS JOIN LATERAL (
      SELECT id, transcript_id FROM transcript_jobs
      WHERE job_id = of_job AND lease_token = token AND status = 'processing' FOR UPDATE
    ) AS held
  )`;
}

/**
 * Runs such a statement.
 *
 * @param rowOf what the statement is told of an item, by the names of its columns; JSON in a column of that type comes as it is
 * @returns what it gave for each item, in their order; undefined for those that are not held
 */
export async function byHeldJob<Item extends OfLease, Row extends HeldRow>(
  items: readonly Item[],
  rowOf: (item: Item) => object,
  run: (json: string, count: number) => Promise<readonly Row[]>,
): Promise<(Row | undefined)[]> {
  // All processes in one order: two that locked the rows of the same jobs in different ones could wait for each other.
  const sorted = items.toSorted((one, other) => (one.lease.jobId < other.lease.jobId ? -1 : 1));
  const told = sorted.map((item, place) => ({
    ...{ place, of_job: item.lease.jobId, token: item.lease.token },
    ...rowOf(item),
  }));
  const rows = new Map<Item | undefined, Row>();
  for (const row of await run(storableJson(told), sorted.length)) rows.set(sorted[row.place], row);
  return items.map((item) => rows.get(item));
}

/** Whether a statement on several jobs may have failed for what is wrong with one of them. */
export function isOfOne(error: unknown): boolean {
  return error instanceof PolyscribeError && error.code === 'internal';
}
