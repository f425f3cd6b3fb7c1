import fc from 'fast-check';
import { PolyscribeError } from '#contracts';
import { isPublicAddress } from './public-address.js';
import { UrlGuard } from './url-guard.js';

const guard = new UrlGuard(['media.internal', 'store:9000', '10.1.2.3', '[fd00::7]:8080', 'bücher.internal']);

function verdict(url: string): string {
  try {
    guard.judge(url);
    return 'fine';
  } catch (error) {
    return error instanceof PolyscribeError ? error.code : 'threw';
  }
}

describe('the guard of outbound URLs', () => {
  it.each([
    'https://example.com/talk.mp3',
    'http://example.com:8080/a?b=c#d',
    'HTTPS://EXAMPLE.COM/',
    'https://xn--bcher-kva.example.org/',
    'https://bücher.example.org/ä',
    'http://93.184.216.34/',
    'http://[2606:4700:4700::1111]/',
    'https://example.com./',
  ])('lets %s through', (url) => {
    expect(verdict(url)).toBe('fine');
  });

  it.each([
    'http://media.internal/a',
    'http://MEDIA.internal.:81/a',
    'https://store:9000/bucket',
    'http://10.1.2.3:22/',
    'http://0x0a010203/',
    'http://[fd00::7]:8080/',
    'http://bücher.internal/',
  ])('lets %s through, which the operator allows', (url) => {
    expect(verdict(url)).toBe('fine');
  });

  it.each([
    'http://store/',
    'http://store:9001/',
    'http://[fd00::7]/',
    'http://a.media.internal/',
    'http://u@media.internal/',
  ])('refuses %s, which is only like what the operator allows', (url) => {
    expect(verdict(url)).toBe('url_not_allowed');
  });

  it('gives the same sentence whatever the reason is', async () => {
    const secretive = new UrlGuard([], (host) =>
      host === 'gone.example.com'
        ? Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }))
        : Promise.resolve([{ address: '10.0.0.1', family: 4 }]),
    );
    const messages = new Set<string>();
    for (const url of ['https://gone.example.com/', 'https://inner.example.com/']) {
      await secretive
        .addressesOf(secretive.judge(url))
        .catch((error: unknown) => messages.add((error as Error).message));
    }
    try {
      secretive.judge('http://127.0.0.1/');
    } catch (error) {
      messages.add((error as Error).message);
    }
    expect(messages.size).toBe(1);
  });

  it('says that a name server which is away may be back', async () => {
    const away = new UrlGuard([], () => Promise.reject(Object.assign(new Error('away'), { code: 'EAI_AGAIN' })));
    await expect(away.addressesOf(new URL('https://example.com/'))).rejects.toMatchObject({
      code: 'dependency_unavailable',
    });
  });

  it('never throws anything but its own refusal', () => {
    fc.assert(
      fc.property(fc.oneof(fc.webUrl(), fc.string(), fc.string({ unit: 'binary' })), (text) => {
        expect(['fine', 'url_not_allowed']).toContain(verdict(text));
      }),
    );
  });

  it('takes no IPv4 address outside the internet for a public one', () => {
    const outside = fc.oneof(
      fc.tuple(fc.constantFrom(0, 10, 127), byte(), byte(), byte()),
      fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), byte(), byte()),
      fc.tuple(fc.constant(192), fc.constant(168), byte(), byte()),
      fc.tuple(fc.constant(100), fc.integer({ min: 64, max: 127 }), byte(), byte()),
      fc.tuple(fc.constant(169), fc.constant(254), byte(), byte()),
      fc.tuple(fc.integer({ min: 224, max: 255 }), byte(), byte(), byte()),
    );
    fc.assert(
      fc.property(outside, ([a, b, c, d]) => {
        const number = ((a * 256 + b) * 256 + c) * 256 + d;
        const hex = number.toString(16).padStart(8, '0');
        expect(isPublicAddress(`${a}.${b}.${c}.${d}`)).toBe(false);
        const hosts = [`${a}.${b}.${c}.${d}`, String(number), `0x${hex}`, `0${number.toString(8)}`];
        const hidden = [`::ffff:${hex.slice(0, 4)}:${hex.slice(4)}`, `64:ff9b::${hex.slice(0, 4)}:${hex.slice(4)}`];
        for (const host of [...hosts, ...hidden.map((address) => `[${address}]`)]) {
          const url = `http://${host}/`;
          // Allowed above, to show that the list works.
          if (URL.canParse(url) && new URL(url).hostname === '10.1.2.3') continue;
          expect(verdict(url)).toBe('url_not_allowed');
        }
      }),
    );
  });
});

function byte() {
  return fc.integer({ min: 0, max: 255 });
}
