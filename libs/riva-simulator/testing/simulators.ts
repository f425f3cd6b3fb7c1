import type { ChannelCredentials } from '@grpc/grpc-js';
import type { RivaScript } from '../riva-script.js';
import { type RivaSimulator, type RivaSimulatorOptions, startRivaSimulator } from '../riva-simulator.js';
import { BareClient } from './bare-client.js';

/** A simulator with a client of it. */
export interface Pair {
  readonly simulator: RivaSimulator;
  readonly client: BareClient;
}

/** Starts pairs and, at the end of each test, closes them. */
export class Simulators {
  private readonly closers: (() => void | Promise<void>)[] = [];

  async start(
    script: RivaScript = {},
    options: RivaSimulatorOptions = {},
    credentials?: ChannelCredentials,
  ): Promise<Pair> {
    const simulator = await startRivaSimulator(script, options);
    this.closeLater(() => simulator.stop());
    // Over TLS by name: what clients tell of the server they mean must not be an IP address.
    const address = credentials ? `localhost:${simulator.port}` : simulator.address;
    return { simulator, client: this.connect(address, credentials) };
  }

  connect(address: string, credentials?: ChannelCredentials): BareClient {
    const client = new BareClient(address, credentials);
    this.closeLater(() => client.close());
    return client;
  }

  closeLater(close: () => void | Promise<void>): void {
    this.closers.push(close);
  }

  async closeAll(): Promise<void> {
    for (const close of this.closers.splice(0).toReversed()) await close();
  }
}

/** Audio in pieces; 100 ms each unless told otherwise. */
export function* chunksOf(audio: Buffer, bytes = 3_200): Generator<Buffer> {
  for (let at = 0; at < audio.length; at += bytes) yield audio.subarray(at, at + bytes);
}
