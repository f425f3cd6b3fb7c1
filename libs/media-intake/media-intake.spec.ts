import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { Readable, Writable } from 'node:stream';
import { jest } from '@jest/globals';
import fc from 'fast-check';
import { cleanFileName, fileNameInHeader, fileNameInUrl } from './file-name.js';
import { fileNameCases } from './testing.js';
import { UploadMeter } from './upload-meter.js';

describe('cleanFileName', () => {
  it.each([
    ['talk.mp3', 'talk.mp3'],
    ['C:\\Users\\me\\talk.mp3', 'talk.mp3'],
    ['/etc/passwd', 'passwd'],
    ['..', 'upload'],
    ['', 'upload'],
    [undefined, 'upload'],
    ['  a\r\nb\0.wav ', 'ab.wav'],
    ['Интервью №5.ogg', 'Интервью №5.ogg'],
    [`${'x'.repeat(300)}.flac`, `${'x'.repeat(195)}.flac`],
  ])('makes %j fit to be shown', (name, clean) => {
    expect(cleanFileName(name)).toBe(clean);
  });

  it('is short, has no folder and no control character, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (name) => {
        const clean = cleanFileName(name);
        expect(Array.from(clean).length).toBeLessThanOrEqual(200);
        expect(clean).toMatch(/^[^/\\\p{Cc}\p{Cs}]+$/u);
      }),
    );
  });
});

describe('the name of a file that was fetched', () => {
  it.each(fileNameCases.filter(([, given]) => !/\p{Cc}/u.test(given)))(
    'with %s is safe and right in quotes',
    (_what, given, shown) => {
      const quoted = given.replace(/["\\]/g, '\\$&');
      expect(fileNameInHeader(`attachment; filename="${quoted}"`)).toBe(shown);
    },
  );

  it.each(fileNameCases)('with %s is safe and right in a header', (_what, given, shown) => {
    expect(fileNameInHeader(`attachment; filename="x.wav"; filename*=UTF-8''${encodeURIComponent(given)}`)).toBe(
      given === '' ? 'x.wav' : shown,
    );
  });

  it.each([
    ['https://a.example/talks/one%20%C3%A4.mp3?sig=x', 'one ä.mp3'],
    ['https://a.example/', 'upload'],
    ['https://a.example/a/..%2F..%2Fetc%2Fpasswd', 'passwd'],
    ['https://a.example/100%', '100%'],
  ])('is taken from the path of %s', (url, name) => {
    expect(fileNameInUrl(new URL(url))).toBe(name);
  });

  it.each([
    ['attachment; filename="talk.mp3"', 'talk.mp3'],
    ['attachment; filename=talk.mp3; size=3', 'talk.mp3'],
    ['attachment; filename="a\\"b.mp3"', 'a"b.mp3'],
    [`attachment; filename="fallback.mp3"; filename*=UTF-8''%e6%97%a5.mp3`, '日.mp3'],
    [`attachment; filename*=UTF-8''%zz; filename=plain.mp3`, 'plain.mp3'],
    ['attachment; filename="../../etc/passwd"', 'passwd'],
    ['inline', undefined],
    [undefined, undefined],
  ])('is taken from the header %j', (header, name) => {
    expect(fileNameInHeader(header)).toBe(name);
  });
});

describe('UploadMeter', () => {
  const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });

  it('counts and hashes what passes', async () => {
    const meter = new UploadMeter({ maxBytes: 10, windowMs: 60_000, minBytesPerWindow: 1 });
    await pipeline(Readable.from([Buffer.from('ab'), Buffer.from('c')]), meter, nowhere());
    expect(meter.bytes).toBe(3);
    expect(meter.sha256()).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  it('fails as soon as the limit is passed', async () => {
    const meter = new UploadMeter({ maxBytes: 2, windowMs: 60_000, minBytesPerWindow: 1 });
    const passing = pipeline(Readable.from([Buffer.from('ab'), Buffer.from('c')]), meter, nowhere());
    await expect(passing).rejects.toMatchObject({ code: 'payload_too_large' });
  });

  it('shows how the upload begins before anybody reads it', async () => {
    const meter = new UploadMeter({ maxBytes: 1e6, windowMs: 60_000, minBytesPerWindow: 1 }, 100_000);
    const passing = pipeline(Readable.from(Array.from({ length: 8 }, (_, n) => Buffer.alloc(20_000, n))), meter);
    const head = await meter.head;
    expect(head).toHaveLength(100_000);
    expect([head.at(0), head.at(-1)]).toEqual([0, 4]);
    const passed = Buffer.concat((await meter.toArray()) as Buffer[]);
    await passing;
    expect(passed).toHaveLength(160_000);
    expect(passed.subarray(0, 100_000).equals(head)).toBe(true);
  });

  it('shows all of a short upload, and of a broken one what broke it', async () => {
    const limits = { maxBytes: 1e6, windowMs: 60_000, minBytesPerWindow: 1 };
    const whole = new UploadMeter(limits, 100);
    pipeline(Readable.from([Buffer.from('a'), Buffer.from('b')]), whole).catch(() => undefined);
    expect((await whole.head).toString()).toBe('ab');
    whole.destroy();
    const broken = new UploadMeter(limits, 100);
    const gone = new Error('gone');
    async function* breaksOff() {
      yield Buffer.from('a');
      await Promise.reject(gone);
    }
    pipeline(Readable.from(breaksOff()), broken).catch(() => undefined);
    await expect(broken.head).rejects.toBe(gone);
  });

  describe('over time', () => {
    beforeEach(() => {
      jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
    });
    afterEach(() => {
      jest.useRealTimers();
    });

    it('gives up an upload that has stopped', async () => {
      const meter = new UploadMeter({ maxBytes: 100, windowMs: 30_000, minBytesPerWindow: 2 });
      meter.resume();
      meter.write('ab');
      jest.advanceTimersByTime(30_000);
      expect(meter.destroyed).toBe(false);
      const failed = once(meter, 'error');
      jest.advanceTimersByTime(30_000);
      expect(await failed).toMatchObject([{ code: 'invalid_request' }]);
    });

    it('does not blame the client for our own slowness', () => {
      const meter = new UploadMeter({ maxBytes: 1e9, windowMs: 30_000, minBytesPerWindow: 1e9 });
      while (meter.write(Buffer.alloc(65_536))) continue;
      jest.advanceTimersByTime(60_000);
      expect(meter.destroyed).toBe(false);
      meter.destroy();
    });
  });
});
