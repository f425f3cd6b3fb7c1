import { type GrpcClient, type GrpcTls, createGrpcChannel, createGrpcClient } from '#grpc';
import { engineV1 } from '#protos';

const UNARY_DEADLINE_MS = 5_000;

interface Entry {
  readonly address: string;
  readonly client: GrpcClient<engineV1.EngineServiceDefinition>;
  readonly close: () => void;
  calls: number;
  /** Nobody wants the address any more: closed with its last call. */
  isUnwanted: boolean;
}

/** One connection for each engine address, shared by its calls. */
export class EngineChannels {
  private readonly entries = new Map<string, Entry>();

  /** @param tls in the clear unless given */
  constructor(private readonly tls?: GrpcTls) {}

  /** Give it back when the call has ended. */
  take(address: string): Entry {
    const entry = this.entries.get(address) ?? this.open(address);
    entry.calls += 1;
    return entry;
  }

  giveBack(entry: Entry): void {
    entry.calls -= 1;
    if (entry.isUnwanted && entry.calls === 0) entry.close();
  }

  /** Closes what is not wanted, at once or with its last call. */
  retain(wanted: ReadonlySet<string>): void {
    for (const entry of this.entries.values()) {
      if (wanted.has(entry.address)) continue;
      this.entries.delete(entry.address);
      entry.isUnwanted = true;
      if (entry.calls === 0) entry.close();
    }
  }

  private open(address: string): Entry {
    const channel = createGrpcChannel(address, { tls: this.tls });
    const client = createGrpcClient(engineV1.EngineServiceDefinition, channel, { unaryDeadlineMs: UNARY_DEADLINE_MS });
    const entry: Entry = { address, client, close: () => channel.close(), calls: 0, isUnwanted: false };
    this.entries.set(address, entry);
    return entry;
  }
}
