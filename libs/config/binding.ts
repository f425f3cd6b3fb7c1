import { ConfigError } from './config-error.js';

/** Where a server is to listen, and the variable that says so. */
export interface Binding {
  readonly host: string;
  readonly port: number;
  readonly portVariable: 'PORT' | 'GRPC_PORT' | 'ENGINE_REGISTRY_PORT' | 'ENGINE_PORT' | 'METRICS_PORT';
}

/**
 * Lets a server listen, and says what to change where it cannot.
 *
 * @throws ConfigError that names the variable when the port is taken or not allowed, or the host is none of this machine
 */
export async function bind<T>(binding: Binding, listen: () => Promise<T>): Promise<T> {
  try {
    return await listen();
  } catch (error) {
    throw asBindingFault(error, binding) ?? error;
  }
}

/** gRPC hides the code in its message, so that is where all are looked for. */
function asBindingFault(error: unknown, { host, port, portVariable }: Binding): ConfigError | undefined {
  const text = error instanceof Error ? `${error.message} ${'code' in error ? String(error.code) : ''}` : '';
  if (text.includes('EADDRINUSE')) {
    return new ConfigError(
      `Port ${port} on ${host} is taken: stop what listens there, or set ${portVariable} to another (0 takes a free one).`,
    );
  }
  if (text.includes('EACCES')) {
    return new ConfigError(`Port ${port} may not be used by this user: set ${portVariable} to one from 1024 up.`);
  }
  if (/EADDRNOTAVAIL|ENOTFOUND|EAI_AGAIN|EINVAL|EAFNOSUPPORT|Name resolution failed/.test(text)) {
    return new ConfigError('HOST is no address of this machine: set it to one, such as 127.0.0.1, or 0.0.0.0 for all.');
  }
  return undefined;
}
