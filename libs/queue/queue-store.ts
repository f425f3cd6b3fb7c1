import type { Processor, Queue, Worker, WorkerOptions } from 'bullmq';

/** What an entry carries. The entry has an id of its own; the job is known by its deduplication id. */
export interface EntryData {
  readonly jobId: string;
}

/** What we use of BullMQ's queue, whatever it runs on. */
export interface Entries extends Pick<
  Queue<EntryData, unknown, string, EntryData, unknown, string>,
  | 'addBulk'
  | 'close'
  | 'disconnect'
  | 'getDeduplicationJobId'
  | 'getJobCountByTypes'
  | 'getJobState'
  | 'remove'
  | 'waitUntilReady'
> {
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** One entry to be added. */
export type NewEntry = Parameters<Entries['addBulk']>[0][number];

/** What we use of BullMQ's worker, whatever it runs on. */
export interface EntryWorker extends Pick<Worker<EntryData>, 'close' | 'disconnect' | 'run' | 'waitUntilReady'> {
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'stalled', listener: (entryId: string) => void): unknown;
  on(event: 'lockRenewalFailed', listener: (entryIds: string[]) => void): unknown;
}

export type EntryProcessor = Processor<EntryData>;
export type EntryWorkerOptions = Omit<WorkerOptions, 'connection'>;

/** How long a call to the queue may take before the answer is `dependency_unavailable`. */
export const CALL_DEADLINE_MS = 2_000;

/** What differs between the stores that BullMQ runs on. */
export interface QueueStore {
  /** The first call may have to set up the store or wait for another process that does: how long it may take. */
  readonly openDeadlineMs: number;
  /** Sets up the store. Done again after a failure, and harmless to repeat. */
  prepare(): Promise<void>;
  queue(name: string): Entries;
  worker(name: string, processor: EntryProcessor, options: EntryWorkerOptions): EntryWorker;
  /** An id for a new entry where the store's own counting does not do. */
  entryId(): string | undefined;
  /** A call got no answer in time: the connection may be dead without having been closed. */
  recover(entries: Entries): void;
  /** What a call threw, as our error: `dependency_unavailable` with this message where the store is to blame. */
  asUnavailable(thrown: unknown, message: string): Error;
  /** The error as it may be logged. */
  forLog(error: unknown): unknown;
}
