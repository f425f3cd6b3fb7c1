export { OwnServer } from './testing/own-server.js';
export { withClient } from './postgres-server.js';
export { sharedServer } from './testing/shared-server.js';
export { waitUntil } from './wait-until.js';
