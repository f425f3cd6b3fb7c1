import { z } from 'zod';
import { msToPcmBytes } from '#contracts';
import type { DialectCall } from '../dialect.js';
import { multipartForm } from '../http/multipart.js';
import { wellAnswered } from '../server-errors.js';
import { parseJson } from '../transcript/parse-json.js';

/** As much as the longest span that a file is cut into; 5.3 MB. Longer audio is not kept. */
const MOST_BYTES = msToPcmBytes(165_000);

/** Audio on its way to a server of which the whole is kept while it is short. */
export class KeptAudio implements AsyncIterable<Uint8Array> {
  private chunks: Uint8Array[] | undefined = [];
  private bytes = 0;

  constructor(private readonly source: AsyncIterable<Uint8Array>) {}

  /** All of it; undefined when it is too long or was not read to its end. */
  get all(): readonly Uint8Array[] | undefined {
    return this.isWhole ? this.chunks : undefined;
  }

  private isWhole = false;

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of this.source) {
      this.bytes += chunk.length;
      if (this.bytes > MOST_BYTES) this.chunks = undefined;
      this.chunks?.push(chunk);
      yield chunk;
    }
    this.isWhole = true;
  }
}

/** Whether the server's own detector finds speech; true when it cannot say. @throws PolyscribeError `cancelled` */
export async function speechIsIn(pcm: readonly Uint8Array[], { server, signal }: DialectCall): Promise<boolean> {
  const content = { [Symbol.asyncIterator]: () => inTurn(pcm) };
  const form = multipartForm([], { name: 'file', filename: 'audio.pcm', mediaType: 'audio/pcm', content });
  const answer = await server.send({ method: 'POST', path: 'v1/audio/speech/timestamps', ...form, signal });
  if (!answer.isOk) {
    answer.close();
    return true;
  }
  const { data } = z.array(z.unknown()).safeParse(parseJson(await wellAnswered(answer)));
  return data?.length !== 0;
}

async function* inTurn(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}
