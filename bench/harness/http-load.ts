import { Agent, request } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';

const DEADLINE_MS = 120_000;

export interface Upload {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: () => Readable;
}

/** Sends it over a connection of the agent. @returns the answer's text @throws Error when it is no 202 */
export async function send({ url, headers, body }: Upload, agent: Agent): Promise<string> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const outgoing = request(url, { method: 'POST', agent, headers: { ...headers }, signal });
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
  await Promise.all([pipeline(body(), outgoing), answered]);
  const [response] = await answered;
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  if (response.statusCode !== 202) throw new Error(`${String(response.statusCode)} ${text}`);
  return text;
}

/** Several clients send one upload after another. @returns how long each took, in milliseconds */
export async function load(upload: Upload, clients: number, perClient: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const times: number[] = [];
  const client = async (): Promise<void> => {
    for (let sent = 0; sent < perClient; sent += 1) {
      const started = performance.now();
      await send(upload, agent);
      times.push(performance.now() - started);
    }
  };
  try {
    await Promise.all(Array.from({ length: clients }, client));
    return times;
  } finally {
    agent.destroy();
  }
}
