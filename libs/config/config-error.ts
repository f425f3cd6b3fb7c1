/** The environment holds something we cannot start with. The message names each variable and never its value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
