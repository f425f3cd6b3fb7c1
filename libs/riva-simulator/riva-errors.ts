import { ServerError, Status } from 'nice-grpc';

/** A gRPC status as Riva's servers, or what stands before them, send it. */
export interface RivaError {
  readonly code: Status;
  readonly details: string;
}

/**
 * The errors of Riva's documented wire behaviour with the text that clients meet; those that depend on the request are
 * made by functions below. Which text belongs to which cause is all that a client can go by.
 */
export const rivaErrors = {
  /** The declared encoding contradicts the header of the audio. */
  headerMismatch: {
    code: Status.INVALID_ARGUMENT,
    details: "Error: config format doesn't match with header format",
  },
  /** The stream was idle for so long that the inference server forgot it; seen at the next chunk. */
  startFlag: {
    code: Status.INVALID_ARGUMENT,
    details:
      'inference request for sequence 1 to model asr must specify the START flag on the first request of the sequence',
  },
  /** Wordings of compatible servers for what is wrong with a request. */
  unknownEncoding: { code: Status.INVALID_ARGUMENT, details: 'unknown encoding and no header' },
  onlyLinearPcm: { code: Status.INVALID_ARGUMENT, details: 'only LINEAR_PCM supported' },
  sampleRateOutOfRange: { code: Status.INVALID_ARGUMENT, details: 'sample_rate_hertz out of range' },
  onlyMono: { code: Status.INVALID_ARGUMENT, details: 'only mono supported' },
  emptyAudio: { code: Status.INVALID_ARGUMENT, details: 'audio is empty' },
  configFirst: { code: Status.INVALID_ARGUMENT, details: 'first message must contain streaming_config' },
  secondConfig: { code: Status.INVALID_ARGUMENT, details: 'streaming_config must be sent only once' },
  /** The stream was closed before its configuration came. */
  noConfig: { code: Status.FAILED_PRECONDITION, details: 'streaming_config not received' },
  /** Speech recognition is not in this deployment, or the server is older than the method. */
  methodNotFound: { code: Status.UNIMPLEMENTED, details: 'Method not found!' },
  /** All sequence slots of the inference server are taken. */
  noFreeSlot: { code: Status.RESOURCE_EXHAUSTED, details: 'no free sequence slot available' },
  /** The hosted service counts calls. */
  rateLimited: { code: Status.RESOURCE_EXHAUSTED, details: 'Too Many Requests' },
  /** The server starts, has crashed, or cannot be reached. */
  socketClosed: { code: Status.UNAVAILABLE, details: 'Socket closed' },
  connectionRefused: { code: Status.UNAVAILABLE, details: 'failed to connect: connection refused' },
  /** A proxy or the server crashed; texts of two gRPC libraries. */
  rstStream: { code: Status.INTERNAL, details: 'Received RST_STREAM with error code 2' },
  streamTerminated: {
    code: Status.INTERNAL,
    details: 'stream terminated by RST_STREAM with error code: INTERNAL_ERROR',
  },
  /** The backend behind the speech service failed. */
  inference: { code: Status.INTERNAL, details: 'Internal error while making inference request' },
  inferenceConnection: { code: Status.UNKNOWN, details: 'Inference connection error' },
  /** A slow or cold start, at a proxy that has a deadline of its own. */
  deadlineExceeded: { code: Status.DEADLINE_EXCEEDED, details: 'Deadline Exceeded' },
  /** The key of the hosted service is wrong or has expired. */
  unauthenticated: { code: Status.UNAUTHENTICATED, details: 'Authentication failed' },
  permissionDenied: { code: Status.PERMISSION_DENIED, details: 'Authorization failed' },
  /** The id of the hosted function was rotated. */
  functionNotFound: { code: Status.NOT_FOUND, details: 'function not found for account' },
} as const satisfies Readonly<Record<string, RivaError>>;

/** What an unavailable model was asked for. */
export interface ModelWish {
  readonly language: string;
  readonly sampleRateHz: number;
  readonly type: 'online' | 'offline';
}

/** No deployed model has that language, name and type of call. @param wording of today's releases or of older ones */
export function unavailableModel(wish: ModelWish, wording: 'current' | 'older' = 'current'): RivaError {
  const { language, sampleRateHz, type } = wish;
  const details =
    wording === 'older'
      ? `Unavailable model requested. Lang: ${language}, Type: ${type}`
      : `Unavailable model requested given these parameters: language_code=${language}; sample_rate=${sampleRateHz}; type=${type}`;
  return { code: Status.INVALID_ARGUMENT, details };
}

/** A message is larger than the limit of whoever received it. */
export function messageTooLarge(bytes: number, maxBytes: number): RivaError {
  return {
    code: Status.RESOURCE_EXHAUSTED,
    details: `Received message larger than max (${bytes} vs. ${maxBytes})`,
  };
}

/** The error in the form that a handler throws. */
export function serverError({ code, details }: RivaError): ServerError {
  return new ServerError(code, details);
}
