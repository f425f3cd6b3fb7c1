import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type ContractRule, describeContract, type MakeFixture } from '#testing';
import type { ObjectStore, StoredObject } from './object-store.port.js';

const MEGABYTE = 1_048_576;
const LARGE_BYTES = 200 * MEGABYTE;

async function contentOf(store: ObjectStore, key: string, range?: { start: number; end?: number }): Promise<string> {
  return (await buffer(await store.get(key, range))).toString('utf8');
}

async function keysOf(store: ObjectStore, prefix: string): Promise<string[]> {
  const found: StoredObject[] = [];
  for await (const object of store.list(prefix)) found.push(object);
  return found.map((object) => object.key).sort();
}

function text(content: string): Readable {
  return Readable.from([Buffer.from(content)]);
}

/** A source that gives some bytes and then does what it is told. */
async function* startThen(then: () => Promise<Buffer>): AsyncGenerator<Buffer> {
  yield Buffer.from('the first half');
  yield await then();
}

export const objectStoreRules: readonly ContractRule<ObjectStore>[] = [
  {
    title: 'gives back what was put and counts its bytes',
    async check(fixture) {
      const store = fixture.open();
      const content = randomBytes(3 * MEGABYTE + 17);
      expect(await store.put('a/b/c.wav', Readable.from(chunksOf(content)))).toBe(content.length);
      expect(Buffer.compare(await buffer(await store.get('a/b/c.wav')), content)).toBe(0);
    },
  },
  {
    title: 'keeps an empty object',
    async check(fixture) {
      const store = fixture.open();
      expect(await store.put('empty', Readable.from([]))).toBe(0);
      expect(await contentOf(store, 'empty')).toBe('');
      expect((await store.stat('empty'))?.bytes).toBe(0);
    },
  },
  {
    title: 'shows another instance what was put',
    async check(fixture) {
      await fixture.open().put('shared', text('one for all'));
      expect(await contentOf(fixture.open(), 'shared')).toBe('one for all');
    },
  },
  {
    title: 'gives the bytes of a range, both ends included',
    async check(fixture) {
      const store = fixture.open();
      await store.put('digits', text('0123456789'));
      expect(await contentOf(store, 'digits', { start: 2, end: 4 })).toBe('234');
      expect(await contentOf(store, 'digits', { start: 0, end: 0 })).toBe('0');
      expect(await contentOf(store, 'digits', { start: 7 })).toBe('789');
      expect(await contentOf(store, 'digits', { start: 7, end: 900 })).toBe('789');
    },
  },
  {
    title: 'refuses a range without a byte of the object',
    async check(fixture) {
      const store = fixture.open();
      await store.put('digits', text('0123456789'));
      for (const range of [{ start: 10 }, { start: -1 }, { start: 5, end: 4 }, { start: 0.5 }]) {
        await expect(store.get('digits', range)).rejects.toMatchObject({ code: 'invalid_request' });
      }
    },
  },
  {
    title: 'replaces what was there',
    async check(fixture) {
      const store = fixture.open();
      await store.put('again', text('a first text that is longer'));
      await store.put('again', text('short'));
      expect(await contentOf(store, 'again')).toBe('short');
    },
  },
  {
    title: 'leaves nothing when the source fails, and what was there as it was',
    async check(fixture) {
      const store = fixture.open();
      await store.put('kept', text('before'));
      const failing = () => Readable.from(startThen(() => Promise.reject(new Error('the client went away'))));
      await expect(store.put('kept', failing())).rejects.toThrow('the client went away');
      await expect(store.put('fresh', failing())).rejects.toThrow('the client went away');
      expect(await contentOf(store, 'kept')).toBe('before');
      expect(await keysOf(store, '')).toEqual(['kept']);
    },
  },
  {
    title: 'leaves nothing when the signal aborts in the middle',
    async check(fixture) {
      const store = fixture.open();
      const controller = new AbortController();
      const endless = startThen(() => {
        controller.abort();
        return new Promise<Buffer>(() => undefined);
      });
      const source = Readable.from(endless);
      await expect(store.put('aborted', source, { signal: controller.signal })).rejects.toMatchObject({
        name: 'AbortError',
      });
      expect(source.destroyed).toBe(true);
      expect(await keysOf(store, '')).toEqual([]);
    },
  },
  {
    title: 'knows size and age, and says undefined of what is not there',
    async check(fixture) {
      const store = fixture.open();
      await store.put('folder/known', text('twelve bytes'));
      const known = await store.stat('folder/known');
      expect(known).toMatchObject({ key: 'folder/known', bytes: 12 });
      expect(Math.abs(Date.now() - Number(known?.modifiedAt.getTime()))).toBeLessThan(60_000);
      expect(await store.stat('unknown')).toBeUndefined();
      expect(await store.stat('folder')).toBeUndefined();
      expect(await store.stat('folder/known/below')).toBeUndefined();
    },
  },
  {
    title: 'says not_found when an unknown object is read',
    async check(fixture) {
      const store = fixture.open();
      await expect(store.get('unknown')).rejects.toMatchObject({ code: 'not_found' });
      await expect(store.toLocalFile('unknown', new AbortController().signal)).rejects.toMatchObject({
        code: 'not_found',
      });
    },
  },
  {
    title: 'forgets what was deleted and takes an unknown key for no error',
    async check(fixture) {
      const store = fixture.open();
      await store.put('a/b/gone', text('x'));
      await store.put('a/stays', text('y'));
      await store.delete('a/b/gone');
      await store.delete('a/b/gone');
      await store.delete('a');
      expect(await keysOf(store, '')).toEqual(['a/stays']);
    },
  },
  {
    title: 'lists the objects whose key begins with the prefix',
    async check(fixture) {
      const store = fixture.open();
      for (const key of ['jobs/1/a', 'jobs/1/b', 'jobs/12/a', 'jobs-old', 'other']) await store.put(key, text(key));
      expect(await keysOf(store, '')).toEqual(['jobs-old', 'jobs/1/a', 'jobs/1/b', 'jobs/12/a', 'other']);
      expect(await keysOf(store, 'jobs')).toEqual(['jobs-old', 'jobs/1/a', 'jobs/1/b', 'jobs/12/a']);
      expect(await keysOf(store, 'jobs/1')).toEqual(['jobs/1/a', 'jobs/1/b', 'jobs/12/a']);
      expect(await keysOf(store, 'jobs/1/')).toEqual(['jobs/1/a', 'jobs/1/b']);
      expect(await keysOf(store, 'nothing/here')).toEqual([]);
    },
  },
  {
    title: 'refuses every key that is not one, before it reads the source',
    async check(fixture) {
      const store = fixture.open();
      for (const key of badKeys) {
        const source = text('must not be read');
        await expect(store.put(key, source)).rejects.toMatchObject({ code: 'invalid_request' });
        expect(source.destroyed).toBe(true);
        await expect(store.get(key)).rejects.toMatchObject({ code: 'invalid_request' });
        await expect(store.stat(key)).rejects.toMatchObject({ code: 'invalid_request' });
        await expect(store.delete(key)).rejects.toMatchObject({ code: 'invalid_request' });
        await expect(store.presign(key, 1000, 'x')).rejects.toMatchObject({ code: 'invalid_request' });
      }
      await expect(keysOf(store, '../')).rejects.toMatchObject({ code: 'invalid_request' });
      expect(await keysOf(store, '')).toEqual([]);
    },
  },
  {
    title: 'gives an object as a local file that stays until it is disposed of',
    async check(fixture) {
      const store = fixture.open();
      await store.put('media/file.ogg', text('seek me'));
      const copy = await store.toLocalFile('media/file.ogg', new AbortController().signal);
      expect(await readFile(copy.path, 'utf8')).toBe('seek me');
      await copy.dispose();
      await copy.dispose();
      expect(await contentOf(store, 'media/file.ogg')).toBe('seek me');
    },
  },
  {
    title: 'never shows half an object while it is replaced over and over',
    async check(fixture) {
      const store = fixture.open();
      const whole = (letter: string) => letter.repeat(300_000);
      await store.put('busy', text(whole('a')));
      const progress = { writing: true };
      const writer = (async () => {
        for (const letter of 'bcdefghijk') await store.put('busy', Readable.from(chunksOf(Buffer.from(whole(letter)))));
      })().finally(() => (progress.writing = false));
      while (progress.writing) {
        const seen = await contentOf(store, 'busy');
        expect(seen).toBe(whole(seen.charAt(0)));
      }
      await writer;
    },
  },
  {
    title: 'bears writes and deletes in one folder at the same time',
    async check(fixture) {
      const store = fixture.open();
      const rounds = Array.from({ length: 40 }, (_, index) => index);
      await Promise.all(
        rounds.map(async (index) => {
          const key = `deep/er/${String(index % 4)}/${String(index)}`;
          await store.put(key, text(key));
          if (index % 2 === 0) await store.delete(key);
        }),
      );
      expect(await keysOf(store, 'deep/')).toHaveLength(20);
    },
  },
  {
    title: 'keeps memory flat while a large object passes through',
    async check(fixture) {
      const store = fixture.open();
      const before = process.memoryUsage().rss;
      let peak = before;
      const chunk = randomBytes(MEGABYTE);
      const source = Readable.from(
        (function* () {
          for (let sent = 0; sent < LARGE_BYTES; sent += MEGABYTE) {
            peak = Math.max(peak, process.memoryUsage().rss);
            yield Buffer.from(chunk);
          }
        })(),
      );
      expect(await store.put('large', source)).toBe(LARGE_BYTES);
      const hash = createHash('sha256');
      let read = 0;
      for await (const piece of await store.get('large')) {
        peak = Math.max(peak, process.memoryUsage().rss);
        read += (piece as Buffer).length;
        hash.update(piece as Buffer);
      }
      expect(read).toBe(LARGE_BYTES);
      expect(hash.digest('hex')).toBe(hashOfRepeated(chunk, LARGE_BYTES / MEGABYTE));
      expect(peak - before).toBeLessThan(LARGE_BYTES * 0.75);
    },
  },
  {
    title: 'makes a link that names the file, and answers a ping',
    async check(fixture) {
      const store = fixture.open();
      await store.put('media/file.ogg', text('x'));
      const link = new URL(await store.presign('media/file.ogg', 60_000, 'Sitzung März.ogg'));
      expect(link.pathname).toContain('media/file.ogg');
      // At the turn of a step the second link is another, and the third is that one again.
      const links = await Promise.all([0, 1, 2].map(() => store.presign('media/file.ogg', 60_000, 'Sitzung März.ogg')));
      expect(new Set(links).size).toBeLessThan(3);
      await expect(store.ping()).resolves.toBeUndefined();
    },
  },
];

const badKeys = [
  '',
  '/',
  '/etc/passwd',
  'a//b',
  'a/',
  '..',
  'a/../b',
  '../../etc/passwd',
  './a',
  'a/.hidden',
  '.link-secret',
  'a\0b',
  'a\nb',
  'a\\b',
  'a b',
  'ä',
  '%2e%2e/a',
  'x'.repeat(201),
  `${'abc/'.repeat(200)}d`,
];

function* chunksOf(content: Buffer): Generator<Buffer> {
  for (let at = 0; at < content.length; at += 65_536) yield content.subarray(at, at + 65_536);
}

function hashOfRepeated(chunk: Buffer, times: number): string {
  const hash = createHash('sha256');
  for (let index = 0; index < times; index += 1) hash.update(chunk);
  return hash.digest('hex');
}

/** What every object store must do. */
export function objectStoreContract(name: string, make: MakeFixture<ObjectStore>): void {
  describeContract(name, objectStoreRules, make);
}
