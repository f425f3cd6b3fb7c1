/** Ends the command with exit code 1 and this one line. */
export class CliError extends Error {
  override readonly name = 'CliError';
}

/** The mesh could not be reached: it may be gone, or not up yet. The job, once accepted, goes on without us. */
export class MeshUnreachableError extends Error {
  override readonly name = 'MeshUnreachableError';
}
