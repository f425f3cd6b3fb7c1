import { randomUUID } from 'node:crypto';

/** A file that is sent as it is read. */
export interface FilePart {
  readonly name: string;
  readonly filename: string;
  readonly mediaType: string;
  readonly content: AsyncIterable<Uint8Array>;
}

export interface MultipartForm {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * A form (RFC 7578) whose file is streamed. The fields come first, so that a server can refuse them before the audio.
 *
 * @param fields pairs, as a name may come more than once
 */
export function multipartForm(fields: readonly (readonly [string, string])[], file: FilePart): MultipartForm {
  const boundary = `polyscribe-${randomUUID()}`;
  return {
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: parts(boundary, fields, file),
  };
}

async function* parts(
  boundary: string,
  fields: readonly (readonly [string, string])[],
  file: FilePart,
): AsyncGenerator<Uint8Array, void> {
  const head = fields.map(
    ([name, value]) => `--${boundary}\r\ncontent-disposition: form-data; name="${escaped(name)}"\r\n\r\n${value}\r\n`,
  );
  head.push(
    `--${boundary}\r\ncontent-disposition: form-data; name="${escaped(file.name)}"; filename="${escaped(file.filename)}"\r\n`,
    `content-type: ${file.mediaType}\r\n\r\n`,
  );
  yield Buffer.from(head.join(''));
  yield* file.content;
  yield Buffer.from(`\r\n--${boundary}--\r\n`);
}

function escaped(name: string): string {
  return name.replaceAll('\r', '%0D').replaceAll('\n', '%0A').replaceAll('"', '%22');
}
