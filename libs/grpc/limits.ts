/** Largest message that a server or client takes, unless told otherwise. gRPC's usual default. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
