import type { Metadata } from 'nice-grpc';
import { rivaErrors, serverError } from './riva-errors.js';
import type { RivaScript } from './riva-script.js';

/**
 * Lets through what carries the metadata of NVIDIA's hosted service. Official clients send it twice over TLS, which may
 * arrive as one value with a comma.
 *
 * @throws ServerError for a wrong key or function
 */
export function admitHosted(hosted: RivaScript['hosted'], metadata: Metadata): void {
  if (!hosted) return;
  if (metadata.get('authorization') !== `Bearer ${hosted.apiKey}`) throw serverError(rivaErrors.unauthenticated);
  const functionId = metadata.get('function-id')?.split(', ')[0];
  if (functionId !== hosted.functionId) throw serverError(rivaErrors.functionNotFound);
}
