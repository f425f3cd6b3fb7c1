import { z } from 'zod';
import type { ServerClient } from '../http/server-client.js';
import { wellAnswered } from '../server-errors.js';
import { parseJson } from '../transcript/parse-json.js';

const operation = z.object({ parameters: z.array(z.object({ name: z.string() })).catch([]) });

const documentSchema = z.object({
  info: z.object({ title: z.string() }),
  paths: z.record(z.string(), z.looseObject({ post: operation.optional().catch(undefined) })).catch({}),
});

/** What a server's OpenAPI document tells about it. */
export interface ServerDocument {
  readonly title: string;
  readonly paths: ReadonlySet<string>;
  /** Names of the parameters of a POST route, those in the body left out. */
  readonly parametersOf: (path: string) => ReadonlySet<string>;
}

/** @throws PolyscribeError `engine_bad_response` or another when there is no such document, `engine_unavailable` */
export async function openApiOf(server: ServerClient, signal: AbortSignal): Promise<ServerDocument> {
  const text = await wellAnswered(await server.send({ method: 'GET', path: 'openapi.json', signal }));
  const { data } = documentSchema.safeParse(parseJson(text));
  return {
    title: data?.info.title ?? '',
    paths: new Set(Object.keys(data?.paths ?? {})),
    parametersOf: (path) => new Set(data?.paths[path]?.post?.parameters.map(({ name }) => name) ?? []),
  };
}
