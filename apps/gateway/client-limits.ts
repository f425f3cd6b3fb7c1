/** How long the gateway bears with clients that do nothing. */
export interface ClientLimits {
  /** A reader of events whose buffer stays full for that long is cut off; it comes back with the last id it has. */
  readonly slowReaderMs: number;
  /** What a submission may spend, in all, on what comes before, between and after its file; the file has its own watch. */
  readonly aroundFileMs: number;
}

export const clientLimits: ClientLimits = { slowReaderMs: 30_000, aroundFileMs: 60_000 };
