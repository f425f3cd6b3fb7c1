import type { riva } from '#protos';
import { AudioIntake } from './audio-intake.js';
import type { CallFaults } from './call-faults.js';
import { rivaErrors, serverError } from './riva-errors.js';
import { DEFAULT_IDLE_MS, type RivaModel, type RivaScript } from './riva-script.js';
import { RivaText } from './riva-text.js';
import { type SeenCall, noteAudio } from './seen-calls.js';
import { type StreamResults, Utterances } from './utterances.js';

type Responses = AsyncGenerator<riva.StreamingRecognizeResponse, void>;

export interface StreamOpening {
  readonly config: riva.RecognitionConfig;
  readonly interimResults: boolean;
  readonly id: riva.RequestId | undefined;
  readonly model: RivaModel;
}

/** One stream once its configuration is accepted. */
export class RunningStream {
  private readonly intake: AudioIntake;
  private readonly utterances: Utterances;
  private lastAudioAt: number | undefined;

  /** @throws ServerError for audio that is declared wrongly */
  constructor(
    private readonly opening: StreamOpening,
    private readonly script: RivaScript,
    private readonly call: SeenCall,
    private readonly faults: CallFaults,
  ) {
    const { config, model, interimResults } = opening;
    this.intake = new AudioIntake(config);
    const { get_vad_probabilities: vadProbabilities } = config.customConfiguration;
    this.utterances = new Utterances(new RivaText(config, model, script.speech), script.stream, {
      interims: interimResults,
      vadProbabilities: vadProbabilities === 'true',
    });
    call.words = this.utterances.words;
  }

  /** Any message but the first. */
  async *take(request: riva.StreamingRecognizeRequest): Responses {
    const { streamingRequest: payload, runtimeConfig } = request;
    if (payload?.$case === 'streamingConfig') throw serverError(rivaErrors.secondConfig);
    if (payload) {
      this.checkIdle();
      noteAudio(this.call, payload.value);
      yield* this.send(this.utterances.push(this.intake.push(payload.value)));
      this.lastAudioAt = performance.now();
    }
    if (Object.keys(runtimeConfig).length > 0) {
      this.call.runtimeConfigs.push(runtimeConfig);
      const isObeyed = this.opening.model.endsUtteranceOnDemand && runtimeConfig['force_eou'] === 'true';
      if (isObeyed) yield* this.send(this.utterances.endUtterance());
    }
  }

  /** The stream was half-closed. */
  async *end(): Responses {
    this.checkIdle();
    yield* this.send(this.utterances.push(this.intake.end()));
    yield* this.send(this.utterances.end());
  }

  private async *send(responses: Iterable<StreamResults>): Responses {
    for (const results of responses) {
      yield { results: [...results], id: this.opening.id };
      this.count(results);
      await this.faults.at({ at: 'under_way', finals: this.call.finals, audioMs: this.utterances.audioMs });
    }
    await this.faults.at({ at: 'under_way', finals: this.call.finals, audioMs: this.utterances.audioMs });
  }

  private count(results: StreamResults): void {
    const isFinal = results.some((result) => result.isFinal);
    if (isFinal) this.call.finals += 1;
    else if (results.some((result) => result.alternatives.length > 0)) this.call.interims += 1;
  }

  /**
   * The inference server forgets a sequence that gets no audio for long and then takes the next request for one of a new
   * sequence, which would need the START flag. Ending the sequence is such a request too.
   */
  private checkIdle(): void {
    if (this.lastAudioAt === undefined) return;
    const idleMs = performance.now() - this.lastAudioAt;
    if (idleMs > (this.script.idleMs ?? DEFAULT_IDLE_MS)) throw serverError(rivaErrors.startFlag);
  }
}
