export { DataDirInUseError, dataDirOwner } from './data-dir-lock.js';
export { embeddedPostgres } from './embedded-postgres.js';
