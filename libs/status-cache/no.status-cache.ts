import { StatusCache, type StatusBody } from './status-cache.port.js';

/** Knows nothing: without Redis the database is asked, which is as near as a cache would be. */
export class NoStatusCache<Body extends StatusBody> extends StatusCache<Body> {
  override readonly keeps = false;

  override put(): Promise<void> {
    return Promise.resolve();
  }

  override get(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  override forget(): Promise<void> {
    return Promise.resolve();
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }
}
