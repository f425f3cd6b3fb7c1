export * from './database.js';
export { DataDirInUseError } from './embedded/data-dir-lock.js';
export { embeddedPostgres } from './embedded/embedded-postgres.js';
