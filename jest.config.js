/**
 * Tests run on the compiled code, the same files that ship: worker threads, child processes and package imports then
 * behave as they do in production, and no transform stands in between.
 *
 * @type {import('jest').Config}
 */
export default {
  roots: ['<rootDir>/dist'],
  testEnvironment: 'node',
  transform: {},
  // Tests that need a database share one server, which the first of them starts.
  globalSetup: '<rootDir>/dist/libs/embedded-postgres/testing/global-setup.js',
  globalTeardown: '<rootDir>/dist/libs/embedded-postgres/testing/global-teardown.js',
  testMatch: ['**/*.spec.js'],
  // Far more than any test needs, for a machine that is busy with much else.
  testTimeout: 60_000,
  // Most tests wait for servers and processes for more than half of their time: two at once leave two processors idle.
  maxWorkers: 4,
  testSequencer: '<rootDir>/scripts/lib/test-sequencer.mjs',
  // A test that leaves a socket, timer or child process open would hide a leak of the product.
  openHandlesTimeout: 2_000,
};
