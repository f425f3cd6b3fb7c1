import { parseRedisUrl } from './redis-url.js';

const plain = {
  masterName: undefined,
  tls: false,
  username: undefined,
  password: undefined,
  sentinelPassword: undefined,
  db: 0,
};

describe('parseRedisUrl', () => {
  it('reads a server with and without what may be left out', () => {
    expect(parseRedisUrl('redis://cache')).toEqual({ ...plain, nodes: [{ host: 'cache', port: 6379 }] });
    expect(parseRedisUrl('redis://:p%40ss@cache:7000/3')).toEqual({
      ...plain,
      nodes: [{ host: 'cache', port: 7000 }],
      password: 'p@ss',
      db: 3,
    });
    expect(parseRedisUrl('rediss://me:secret@[::1]:7000/')).toEqual({
      ...plain,
      nodes: [{ host: '::1', port: 7000 }],
      tls: true,
      username: 'me',
      password: 'secret',
    });
  });

  it('reads sentinels with the name of their master', () => {
    expect(parseRedisUrl('rediss+sentinel://:secret@a:26000,b/main/2?sentinel_password=other')).toEqual({
      nodes: [
        { host: 'a', port: 26000 },
        { host: 'b', port: 26379 },
      ],
      masterName: 'main',
      tls: true,
      username: undefined,
      password: 'secret',
      sentinelPassword: 'other',
      db: 2,
    });
  });

  it.each([
    'cache:6379',
    'http://cache',
    'redis://',
    'redis://cache/one',
    'redis://cache/1/2',
    'redis://a,b',
    'redis://cache:0',
    'redis://cache:65536',
    'redis://:%zz@cache',
    'redis+sentinel://a:26379',
    'redis+sentinel://a:26379,/main',
  ])('takes %s for no address', (url) => {
    expect(parseRedisUrl(url)).toBeUndefined();
  });
});
