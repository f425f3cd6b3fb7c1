import { bind } from './binding.js';

const binding = { host: '127.0.0.1', port: 80, portVariable: 'GRPC_PORT' } as const;

function listenFails(error: unknown): Promise<unknown> {
  return bind(binding, () => Promise.reject(error as Error));
}

describe('bind', () => {
  it.each([
    [Object.assign(new Error('listen EADDRINUSE: address already in use'), { code: 'EADDRINUSE' }), /GRPC_PORT/],
    [
      new Error('No address added out of total 1 resolved\nerrors: [bind EADDRINUSE]'),
      /80 on 127\.0\.0\.1 .*GRPC_PORT/,
    ],
    [Object.assign(new Error('listen EACCES: permission denied'), { code: 'EACCES' }), /GRPC_PORT/],
    [Object.assign(new Error('listen EADDRNOTAVAIL'), { code: 'EADDRNOTAVAIL' }), /HOST/],
    [new Error('Name resolution failed for target dns:nowhere'), /HOST/],
  ])('names the variable for %s', async (error, message) => {
    await expect(listenFails(error)).rejects.toMatchObject({
      name: 'ConfigError',
      message: expect.stringMatching(message) as string,
    });
  });

  it('leaves other errors as they are, and gives what listening gives', async () => {
    const other = new Error('out of memory');
    await expect(listenFails(other)).rejects.toBe(other);
    await expect(bind(binding, () => Promise.resolve('127.0.0.1:80'))).resolves.toBe('127.0.0.1:80');
  });
});
