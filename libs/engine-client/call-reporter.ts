import { addressList, type GrpcTls } from '#grpc';
import type { Logger } from '#telemetry';
import { CallMeter } from './call-meter.js';
import { ReportSender } from './report-sender.js';

export interface CallReporterSettings {
  /** host:port of the engine registry, or of each of its replicas with commas between them. */
  readonly address: string;
  /** In the clear unless given. */
  readonly tls?: GrpcTls | undefined;
  readonly logger: Logger;
}

/**
 * Tells every replica of the registry how calls of engines went. It holds up nobody and fails nothing: what a replica
 * cannot be told in time is dropped. Close it when it is no longer needed.
 */
export class CallReporter {
  private readonly senders: readonly ReportSender[];

  constructor({ address, tls, logger }: CallReporterSettings) {
    this.senders = addressList(address).map((registry) => new ReportSender({ registry, tls, logger }));
  }

  /** Begins to measure a call; what the meter is told at its end is reported. */
  measure(instanceId: string): CallMeter {
    return new CallMeter(instanceId, (call, endedMs) => {
      for (const sender of this.senders) sender.add(call, endedMs);
    });
  }

  /** What has not been sent by then is dropped. */
  async close(): Promise<void> {
    await Promise.all(this.senders.map((sender) => sender.close()));
  }
}
