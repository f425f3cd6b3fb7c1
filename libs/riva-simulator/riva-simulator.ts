import { healthV1, riva } from '#protos';
import { type Server, createServer } from 'nice-grpc';
import { Http2Front } from './http2-front.js';
import { RecognitionService } from './recognition.service.js';
import { isBelowGrpc } from './riva-fault.js';
import type { RivaScript } from './riva-script.js';
import { SeenCalls } from './seen-calls.js';
import { SimulatedHealth } from './simulated-health.js';
import { type SimulatorTls, grpcCredentials } from './simulator-tls.js';

/** Once calls are broken off, their connections close within that long. */
const STOP_MS = 1_000;

export interface RivaSimulatorOptions {
  /** 0, the default, takes a free port. */
  readonly port?: number;
  /** In the clear unless given. */
  readonly tls?: SimulatorTls;
  /** What the fault `die` does; cuts all connections and stops listening unless told otherwise. */
  readonly onDie?: () => void;
}

/**
 * A server that speaks Riva's wire and does what a script says. What it hears follows from the audio alone (see
 * `scriptedSpeech`), so that audio that was lost, doubled, moved or reordered shows in the text.
 */
export class RivaSimulator {
  readonly seen = new SeenCalls();
  private readonly stopController = new AbortController();
  private readonly health: SimulatedHealth;
  private readonly server: Server;
  private front: Http2Front | undefined;
  private boundPort = 0;
  private stopped: Promise<void> | undefined;

  private constructor(
    script: RivaScript,
    private readonly options: RivaSimulatorOptions,
  ) {
    this.health = new SimulatedHealth(script, this.seen, this.stopController.signal);
    // Its own limit, in the words of a Riva server, is part of the script.
    this.server = createServer({ 'grpc.max_receive_message_length': -1 });
    if (script.health !== 'missing') this.server.add(healthV1.HealthDefinition, this.health);
    const service = new RecognitionService(script, this.seen, () => this.die());
    this.server.add(riva.RivaSpeechRecognitionDefinition, service);
  }

  /** @throws Error when the port is taken */
  static async start(script: RivaScript = {}, options: RivaSimulatorOptions = {}): Promise<RivaSimulator> {
    const simulator = new RivaSimulator(script, options);
    await simulator.listen(script.faults?.some(({ does }) => isBelowGrpc(does)) ?? false);
    return simulator;
  }

  /** host:port */
  get address(): string {
    return `127.0.0.1:${this.boundPort}`;
  }

  get port(): number {
    return this.boundPort;
  }

  /** What health says from now on; calls are served all the same. */
  setServing(serving: boolean): void {
    this.health.setServing(serving);
  }

  /** Breaks off what runs and frees the port. */
  stop(): Promise<void> {
    this.stopped ??= this.shutDown();
    return this.stopped;
  }

  private async listen(needsFront: boolean): Promise<void> {
    const { port = 0, tls } = this.options;
    if (!needsFront) {
      this.boundPort = await this.server.listen(`127.0.0.1:${port}`, grpcCredentials(tls));
      return;
    }
    const behind = await this.server.listen('127.0.0.1:0');
    try {
      this.front = await Http2Front.listen(`127.0.0.1:${behind}`, port, tls);
    } catch (error) {
      this.server.forceShutdown();
      throw error;
    }
    this.boundPort = this.front.port;
  }

  private async shutDown(): Promise<void> {
    this.stopController.abort();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, STOP_MS)));
    const closed = Promise.all([this.front?.close(), this.server.shutdown()]);
    this.server.forceShutdown();
    await Promise.race([closed, late]);
    clearTimeout(timer);
  }

  private die(): void {
    if (this.options.onDie) this.options.onDie();
    else void this.stop();
  }
}

/** Starts a simulator in this process; whoever starts it stops it. */
export function startRivaSimulator(script?: RivaScript, options?: RivaSimulatorOptions): Promise<RivaSimulator> {
  return RivaSimulator.start(script, options);
}
