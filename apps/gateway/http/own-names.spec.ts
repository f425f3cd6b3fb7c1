import { refuseForeignPages } from './own-names.js';

describe('refuseForeignPages', () => {
  const own = { host: '127.0.0.1', publicUrl: 'https://speech.example' };

  it.each([
    ['GET', 'localhost:8000', undefined],
    ['GET', '127.0.0.1:8000', 'https://other.example'],
    ['GET', '[::1]:8000', undefined],
    ['POST', 'speech.example', 'https://speech.example'],
    ['POST', '127.0.0.1:8000', 'http://127.0.0.1:8000'],
    ['DELETE', 'localhost:8000', undefined],
  ])('lets through %s to %s from %s', (method, host, origin) => {
    const headers = { host, ...(origin === undefined ? {} : { origin }) };
    expect(() => refuseForeignPages({ method, headers }, own)).not.toThrow();
  });

  it.each([
    ['GET', 'rebound.example', undefined],
    ['GET', '127.0.0.1.evil.example', undefined],
    ['GET', '', undefined],
    ['POST', 'localhost:8000', 'https://evil.example'],
    ['POST', 'localhost:8000', 'null'],
    ['DELETE', 'localhost:8000', 'http://localhost:9000'],
  ])('refuses %s to %s from %s', (method, host, origin) => {
    const headers = { host, ...(origin === undefined ? {} : { origin }) };
    expect(() => refuseForeignPages({ method, headers }, own)).toThrow(/host name|another origin/);
  });

  it('takes any name where it is bound to every address', () => {
    const headers = { host: 'gateway:8000' };
    expect(() => refuseForeignPages({ method: 'POST', headers }, { ...own, host: '0.0.0.0' })).not.toThrow();
  });
});
