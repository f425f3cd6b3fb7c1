import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { brokenRules } from '#testing';
import { FileObjectStore } from './file.object-store.js';
import { objectStoreRules } from './object-store.contract.js';
import type { StoredObject } from './object-store.port.js';
import { fileStoreFixture } from './testing/file-store-fixture.js';

/** Each breaks one rule of a store that is otherwise right. */
const faults: Record<string, { store: typeof FileObjectStore; caughtBy: string }> = {
  'leaves what an aborted source had given': {
    store: class extends FileObjectStore {
      override async put(...[key, source, options]: Parameters<FileObjectStore['put']>): Promise<number> {
        try {
          return await super.put(key, source, options);
        } catch (error) {
          await super.put(key, Readable.from(['half'])).catch(() => undefined);
          throw error;
        }
      }
    },
    caughtBy: 'leaves nothing when the source fails, and what was there as it was',
  },
  'holds the whole object in memory': {
    store: class extends FileObjectStore {
      override async put(...[key, source, options]: Parameters<FileObjectStore['put']>): Promise<number> {
        return super.put(key, Readable.from([await buffer(source)]), options);
      }
    },
    caughtBy: 'keeps memory flat while a large object passes through',
  },
  'takes the end of a range for exclusive': {
    store: class extends FileObjectStore {
      override async get(key: string, range?: { start: number; end?: number }): Promise<Readable> {
        return super.get(key, range?.end === undefined ? range : { ...range, end: range.end - 1 });
      }
    },
    caughtBy: 'gives the bytes of a range, both ends included',
  },
  'lists by folder and not by prefix': {
    store: class extends FileObjectStore {
      override async *list(prefix: string): AsyncIterable<StoredObject> {
        for await (const object of super.list(prefix)) if (object.key.startsWith(`${prefix}/`)) yield object;
      }
    },
    caughtBy: 'lists the objects whose key begins with the prefix',
  },
  'mends a bad key in place of refusing it': {
    store: class extends FileObjectStore {
      override async stat(key: string): Promise<StoredObject | undefined> {
        return super.stat(key.replaceAll(/[^a-z0-9/]/gi, '').replaceAll(/^\/+|\/+$/g, '') || 'x');
      }
    },
    caughtBy: 'refuses every key that is not one, before it reads the source',
  },
  'takes a folder for an object': {
    store: class extends FileObjectStore {
      override async stat(key: string): Promise<StoredObject | undefined> {
        return (await super.stat(key)) ?? { key, bytes: 0, modifiedAt: new Date() };
      }
    },
    caughtBy: 'knows size and age, and says undefined of what is not there',
  },
};

describe('the object store contract', () => {
  it.each(Object.entries(faults))('catches a store that %s', async (_title, { store, caughtBy }) => {
    const rules = objectStoreRules.filter((rule) => rule.title === caughtBy);
    expect(await brokenRules(rules, () => fileStoreFixture(store))).toEqual([caughtBy]);
  });
});
