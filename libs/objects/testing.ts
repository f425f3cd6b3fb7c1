export { fileStoreFixture } from './testing/file-store-fixture.js';
export { startS3Server, TEST_KEYS, type TestS3Server } from './testing/s3-server.js';
export { s3StoreFixture } from './testing/s3-store-fixture.js';
