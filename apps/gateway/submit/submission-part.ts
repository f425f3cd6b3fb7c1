import type { IncomingFile } from '#media-intake';

/** One piece of a submission, in the order in which the client sends them. */
export type SubmissionPart =
  | { readonly type: 'field'; readonly name: string; readonly value: unknown }
  | ({ readonly type: 'file'; readonly name: string } & IncomingFile);
