import type { ErrorCode } from '#contracts';
import { messageTooLarge, type RivaError, rivaErrors, unavailableModel } from '#riva-simulator';
import { ClientError, Status } from 'nice-grpc';
import { type FailureKind, rivaFailure } from './riva-errors.js';

const wish = { language: 'es-US', sampleRateHz: 16_000, type: 'offline' } as const;
const other = (code: Status, details = ''): RivaError => ({ code, details });

/** Each row of the table of documented errors: what it is, our code, tries of the adapter itself, and whom it blames. */
const rows: readonly (readonly [string, RivaError, FailureKind, ErrorCode, retries: number, blamesEngine: boolean])[] =
  [
    ['no such model', unavailableModel(wish), 'unavailable_model', 'model_not_found', 0, false],
    ['no such model, older words', unavailableModel(wish, 'older'), 'unavailable_model', 'model_not_found', 0, false],
    ['another header', rivaErrors.headerMismatch, 'header_mismatch', 'engine_bad_response', 0, true],
    ['an idle stream', rivaErrors.startFlag, 'stream_expired', 'engine_unavailable', 3, true],
    ['a bad rate', rivaErrors.sampleRateOutOfRange, 'bad_request', 'invalid_request', 0, false],
    ['a bad encoding', rivaErrors.onlyLinearPcm, 'bad_request', 'invalid_request', 0, false],
    ['several channels', rivaErrors.onlyMono, 'bad_request', 'invalid_request', 0, false],
    ['no audio', rivaErrors.emptyAudio, 'bad_request', 'invalid_request', 0, false],
    ['audio first', rivaErrors.configFirst, 'bad_request', 'invalid_request', 0, false],
    ['no configuration', rivaErrors.noConfig, 'closed_early', 'engine_bad_response', 0, true],
    ['no such method', rivaErrors.methodNotFound, 'no_speech_recognition', 'engine_bad_response', 0, true],
    ['a large message', messageTooLarge(5_000_000, 4_194_304), 'message_too_large', 'payload_too_large', 0, false],
    ['no free slot', rivaErrors.noFreeSlot, 'busy', 'engine_busy', 5, false],
    ['a rate limit', rivaErrors.rateLimited, 'busy', 'engine_busy', 5, false],
    ['nobody there', rivaErrors.connectionRefused, 'unreachable', 'engine_unavailable', 7, true],
    ['a closed socket', rivaErrors.socketClosed, 'unreachable', 'engine_unavailable', 7, true],
    ['a reset stream', rivaErrors.rstStream, 'broken_off', 'engine_unavailable', 3, true],
    ['a terminated stream', rivaErrors.streamTerminated, 'broken_off', 'engine_unavailable', 3, true],
    ['a failed inference', rivaErrors.inference, 'inference', 'engine_bad_response', 2, true],
    ['a lost inference server', rivaErrors.inferenceConnection, 'inference', 'engine_bad_response', 2, true],
    ['a late answer', rivaErrors.deadlineExceeded, 'late', 'engine_timeout', 1, true],
    ['a wrong key', rivaErrors.unauthenticated, 'credentials', 'engine_unavailable', 0, true],
    ['a key without the right', rivaErrors.permissionDenied, 'credentials', 'engine_unavailable', 0, true],
    ['no such function', rivaErrors.functionNotFound, 'no_function', 'engine_unavailable', 0, true],
    ["somebody else's cancel", other(Status.CANCELLED), 'broken_off', 'engine_unavailable', 3, true],
    ['an aborted call', other(Status.ABORTED), 'broken_off', 'engine_unavailable', 3, true],
    ['lost data', other(Status.DATA_LOSS), 'unknown', 'engine_bad_response', 0, true],
  ];

describe('rivaFailure', () => {
  it.each(rows)('reads %s', (_what, { code, details }, kind, expected, retries, blamesEngine) => {
    const failure = rivaFailure(
      new ClientError('/nvidia.riva.asr.RivaSpeechRecognition/X', code, details),
      'riva:50051',
    );
    expect({ kind: failure.kind, retries: failure.retries }).toEqual({ kind, retries });
    expect(failure.error.code).toBe(expected);
    expect(failure.error.row.engineFault).toBe(blamesEngine);
    expect(failure.error.message).toContain('riva:50051');
  });

  it('keeps the words of the server for the log: they may repeat phrases of the request', () => {
    const thrown = new ClientError('/x', Status.INVALID_ARGUMENT, 'cannot boost "Mrs Example"');
    const { error } = rivaFailure(thrown, 'riva:50051');
    expect(error.message).not.toContain('Mrs Example');
    expect(error.cause).toBe(thrown);
  });

  it('says when a busy server may be asked again', () => {
    const { error } = rivaFailure(new ClientError('/x', Status.RESOURCE_EXHAUSTED, ''), 'riva:50051');
    expect(error.retryAfterMs).toBe(5_000);
  });

  it('takes what it does not know for a bad answer of the engine', () => {
    expect(rivaFailure(new TypeError('x'), 'riva:50051')).toMatchObject({ kind: 'unknown', retries: 0 });
    expect(rivaFailure(new DOMException('gone', 'AbortError'), 'riva:50051')).toMatchObject({ kind: 'broken_off' });
  });
});
