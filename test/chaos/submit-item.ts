import { setTimeout as delay } from 'node:timers/promises';
import type { Accepted } from '../support/api.js';
import type { Cluster } from './cluster.js';
import type { SpokenItem } from './spoken-item.js';

const DEADLINE_MS = 120_000;
const ANSWER_DEADLINE_MS = 15_000;
const PAUSE_MS = 300;

/**
 * Sends a recording until a gateway takes it, each time to the next one, as a client behind a load balancer does. Whatever
 * answers are lost, its key makes one job of it.
 *
 * @param first which gateway to begin with
 * @throws Error when a gateway refuses it for good, or when none takes it in time
 */
export async function submitItem(cluster: Cluster, item: SpokenItem, first: number, priority = 5): Promise<Accepted> {
  const deadline = Date.now() + DEADLINE_MS;
  let why = '';
  for (let attempt = first; Date.now() < deadline; attempt += 1) {
    const gateway = cluster.gateways[attempt % cluster.gateways.length];
    const answer = await send(gateway?.http ?? '', item, priority).catch((error: unknown) => String(error));
    if (typeof answer === 'string') {
      why = answer;
    } else if (answer.status === 202) {
      return (await answer.json()) as Accepted;
    } else {
      why = `${answer.status} ${await answer.text()}`;
      if (![408, 429, 503].includes(answer.status)) throw new Error(`${item.key} was refused: ${why}`);
    }
    await delay(PAUSE_MS);
  }
  throw new Error(`${item.key} was not accepted in time: ${why}`);
}

/** One try. */
export function send(http: string, item: SpokenItem, priority = 5): Promise<Response> {
  const form = new FormData();
  form.append('engine', 'auto');
  form.append('language', 'en');
  form.append('db_id', item.key);
  form.append('priority', String(priority));
  form.append('file', new Blob([new Uint8Array(item.wav())]), `${item.key}.wav`);
  return fetch(`${http}/api/transcribe/jobs/transcribe`, {
    method: 'POST',
    headers: { 'idempotency-key': item.key },
    body: form,
    signal: AbortSignal.timeout(ANSWER_DEADLINE_MS),
  });
}
