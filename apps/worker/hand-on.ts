import type { PolyscribeError } from '#contracts';

/** Ends an attempt at a job that is somebody else's from here on: its row says so already, and nothing is to be written. */
export class HandedOn extends Error {
  override readonly name = 'HandedOn';

  /** @param outcome `cancelled` where the job was found to be unwanted instead */
  constructor(readonly outcome: 'handed on' | 'cancelled') {
    super(`The job was ${outcome}.`);
  }
}

/** A failure that is the job's last, whatever the error table says of trying again. */
export class FinalFailure extends Error {
  override readonly name = 'FinalFailure';

  constructor(readonly error: PolyscribeError) {
    super(error.message);
  }
}
