import { type ErrorCode, type FieldError, PolyscribeError, isErrorCode } from '#contracts';
import { ServerError, Status } from 'nice-grpc';
import { BadRequest, ErrorInfo, RichServerError } from 'nice-grpc-error-details';
import type { ErrorDetails } from 'nice-grpc-error-details';

/** `domain` of our google.rpc.ErrorInfo; `reason` is the error code. */
const ERROR_DOMAIN = 'polyscribe';

const RETRY_AFTER_KEY = 'retry_after_ms';

/** Longer texts from the wire are cut: an error message is a sentence, and it is stored and shown. */
const MAX_MESSAGE_LENGTH = 1000;

/** The error as gRPC carries it: status by the error table, code as ErrorInfo, faulty fields as BadRequest. */
export function toServerError(error: PolyscribeError): ServerError {
  const metadata: Record<string, string> =
    error.retryAfterMs === undefined ? {} : { [RETRY_AFTER_KEY]: String(error.retryAfterMs) };
  const details: ErrorDetails[] = [ErrorInfo.fromPartial({ reason: error.code, domain: ERROR_DOMAIN, metadata })];
  if (error.fields.length > 0) {
    const fieldViolations = error.fields.map(({ pointer, detail }) => ({ field: pointer, description: detail }));
    details.push(BadRequest.fromPartial({ fieldViolations }));
  }
  return new RichServerError(Status[error.row.grpcStatus], error.message, details);
}

/** The error that a server of ours sent, or undefined when the details hold none. */
export function fromErrorDetails(
  message: string,
  details: readonly ErrorDetails[],
  cause: unknown,
): PolyscribeError | undefined {
  const info = details.find((detail) => detail.$type === 'google.rpc.ErrorInfo');
  if (info?.domain !== ERROR_DOMAIN || !isErrorCode(info.reason)) return undefined;
  const code: ErrorCode = info.reason;
  const fields: FieldError[] = details
    .filter((detail) => detail.$type === 'google.rpc.BadRequest')
    .flatMap((detail) => detail.fieldViolations)
    .map(({ field, description }) => ({ pointer: field, detail: description }));
  const retryAfterMs = retryAfterOf(info.metadata[RETRY_AFTER_KEY]);
  return new PolyscribeError(code, shorten(message), {
    cause,
    fields,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

function retryAfterOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,9}$/.test(text)) return undefined;
  return Number(text);
}

function shorten(message: string): string {
  return message.length <= MAX_MESSAGE_LENGTH ? message : `${message.slice(0, MAX_MESSAGE_LENGTH)}…`;
}
