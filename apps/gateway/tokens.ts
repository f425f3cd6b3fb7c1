/** Injection tokens of what is not a class. */
export const CONFIG = Symbol('Config');
export const CLIENT_LIMITS = Symbol('ClientLimits');
export const LOGGER = Symbol('Logger');
export const SIGNED_LINKS = Symbol('SignedLinks');
