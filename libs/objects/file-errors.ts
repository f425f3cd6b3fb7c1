import { PolyscribeError, systemErrorCode } from '#contracts';

/** What the operator can mend, said plainly. The path stays in the cause: messages go to clients. */
const reasons: Readonly<Record<string, string>> = {
  ENOSPC: 'The object store is full; free some space and try again.',
  EDQUOT: 'The object store is over its quota; free some space and try again.',
  EROFS: 'The object store cannot be written to.',
  EACCES: 'The object store cannot be accessed.',
  EPERM: 'The object store cannot be accessed.',
  EIO: 'The disk of the object store fails.',
  EMFILE: 'The object store has too many files open; try again.',
  ENFILE: 'The object store has too many files open; try again.',
};

/** A system error as the port's error, others as they are. */
export function asStoreError(error: unknown): unknown {
  const reason = reasons[systemErrorCode(error) ?? ''];
  if (reason === undefined) return error;
  return new PolyscribeError('dependency_unavailable', reason, { cause: error });
}
