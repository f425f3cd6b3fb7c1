import type { ErrorCode } from '#contracts';

/** `open` until a worker takes it; then until that worker says how it ended. */
export const remoteOfferStates = ['open', 'taken', 'failed', 'done'] as const;
export type RemoteOfferState = (typeof remoteOfferStates)[number];

/** What a remote worker says of its failure. */
export interface RemoteFailure {
  readonly code: ErrorCode;
  readonly message: string;
  /** Whether another try may end better. */
  readonly retryable: boolean;
}

/** The last offer of a job to remote workers. */
export interface RemoteOffer {
  /** Names it in every report. */
  readonly offerId: string;
  readonly state: RemoteOfferState;
  /** Length of the audio. */
  readonly durationMs: number;
  /** When it lapses unless somebody takes it. */
  readonly expiresAt: Date;
  /** What its worker calls itself; undefined while it is open. */
  readonly workerId?: string;
  /** Of an offer that `failed`. */
  readonly failure?: RemoteFailure;
}

/** Columns of `remote_offers`, under the alias `offer`, as `toOffer` reads them. */
export const offerColumns = `offer.offer_id AS "offerId", offer.state, offer.duration_ms AS "durationMs",
  offer.expires_at AS "expiresAt", offer.worker_id AS "offerWorkerId", offer.failure`;

export interface OfferRow {
  readonly offerId: string;
  readonly state: RemoteOfferState;
  readonly durationMs: number;
  readonly expiresAt: Date;
  readonly offerWorkerId: string | null;
  readonly failure: RemoteFailure | null;
}

export function toOffer({ offerId, state, durationMs, expiresAt, offerWorkerId, failure }: OfferRow): RemoteOffer {
  return {
    ...{ offerId, state, durationMs, expiresAt },
    ...(offerWorkerId === null ? {} : { workerId: offerWorkerId }),
    ...(failure === null ? {} : { failure }),
  };
}
