/** The code of an error from the operating system or from PostgreSQL (`ENOENT`, `57P01`); undefined when it has none. */
export function systemErrorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
