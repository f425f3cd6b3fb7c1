import { randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { RemoteLeaseRepository } from '#persistence';
import type { GatewayUnderTest } from '../../apps/gateway/testing/gateway-under-test.js';
import { RestClient } from '../../apps/gateway/testing/rest-client.js';
import type { FuzzRequest } from './request-values.js';

const REPORTS = '/api/webhooks/transcription';
const HOUR_MS = 3_600_000;

/** A job on offer to a remote worker, so that made-up reports are about something. */
export class OfferedJob {
  private jobId = '';
  private offerId = '';
  private sequence = 0;

  private constructor(
    private readonly server: GatewayUnderTest,
    private readonly endpointId: string,
    private readonly secret: string,
  ) {}

  /** With an endpoint of its own, which takes offers. */
  static async on(server: GatewayUnderTest): Promise<OfferedJob> {
    const response = await fetch(`${server.url}/api/webhooks/endpoints`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ url: 'http://files.example/hook', event_types: ['job.offered'] }),
    });
    const { id, secret } = (await response.json()) as { id: string; secret: string };
    const offered = new OfferedJob(server, id, secret);
    await offered.renew();
    return offered;
  }

  /** Offers another job where the last one was reported to its end, or erased. */
  async renew(): Promise<void> {
    const [last] = await this.server.database.query<{ state: string }>(
      'SELECT state FROM remote_offers WHERE job_id = $1::uuid',
      [this.jobId === '' ? randomUUID() : this.jobId],
    );
    if (last?.state === 'open' || last?.state === 'taken') return;
    const leases = new RemoteLeaseRepository(this.server.database);
    ({ jobId: this.jobId } = await new RestClient(this.server.url).submit({ worker: 'remote' }));
    const claim = await leases.claim(this.jobId, 'worker-1', HOUR_MS);
    if (!claim) throw new Error('The job cannot be claimed.');
    await leases.offer(claim.lease, { durationMs: 1_000, openMs: HOUR_MS });
    this.offerId = (await leases.lastOffer(this.jobId))?.offerId ?? '';
  }

  /** The request as it is, or as a report that is signed and, mostly, about the job on offer. */
  meant(request: FuzzRequest): FuzzRequest {
    if (!request.path.startsWith(REPORTS) || request.method !== 'POST') return request;
    const body = request.pick % 8 === 0 ? (request.body ?? Buffer.alloc(0)) : this.aboutJob(request.body);
    const [id, at] = [`msg_${randomUUID()}`, new Date()];
    return {
      ...request,
      path: `${REPORTS}?endpoint_id=${this.endpointId}`,
      headers: {
        ...request.headers,
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
        'webhook-signature': new Webhook(this.secret).sign(id, at, body.toString()),
      },
      body,
    };
  }

  private aboutJob(body: Buffer = Buffer.alloc(0)): Buffer {
    try {
      const report = JSON.parse(body.toString()) as { data: object };
      const ids = { job_id: this.jobId, offer_id: this.offerId, worker_id: 'gpu-1', sequence: (this.sequence += 1) };
      return Buffer.from(JSON.stringify({ ...report, data: { ...report.data, ...ids } }));
    } catch {
      return body;
    }
  }
}
