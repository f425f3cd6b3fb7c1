import { pcmBytesToMs } from '#contracts';
import { ToneReader } from '#engine-testkit';
import { riva } from '#protos';
import type { CallContext } from 'nice-grpc';
import { AudioIntake } from './audio-intake.js';
import { CallFaults } from './call-faults.js';
import { admitHosted } from './hosted-access.js';
import { chooseModel, describeModels } from './model-choice.js';
import { messageTooLarge, rivaErrors, serverError } from './riva-errors.js';
import { FaultPlan, type RivaMethod } from './riva-fault.js';
import type { RivaModel, RivaScript } from './riva-script.js';
import { RivaText } from './riva-text.js';
import { RunningStream } from './running-stream.js';
import { type SeenCall, type SeenCalls, noteAudio, noteRequest } from './seen-calls.js';

type Stream = AsyncIterable<riva.StreamingRecognizeRequest>;
type Responses = AsyncGenerator<riva.StreamingRecognizeResponse, void>;

/** The three methods, by the script. */
export class RecognitionService implements riva.RivaSpeechRecognitionServiceImplementation {
  /** @param die makes the server be gone */
  constructor(
    private readonly script: RivaScript,
    private readonly seen: SeenCalls,
    private readonly die: () => void,
  ) {}

  recognize(request: riva.RecognizeRequest, context: CallContext): Promise<riva.RecognizeResponse> {
    return this.unary('Recognize', context, async (call, faults) => {
      this.checkSize(() => riva.RecognizeRequest.encode(request).finish().length);
      const config = request.config ?? riva.RecognitionConfig.create();
      noteRequest(call, config, request.id);
      const model = chooseModel(this.script, config, 'offline');
      noteAudio(call, request.audio);
      if (request.audio.length === 0) throw serverError(rivaErrors.emptyAudio);
      const results = this.recognizeAll(request.audio, config, model, call);
      await faults.at({ at: 'before_answer' });
      return { results, id: request.id };
    });
  }

  async *streamingRecognize(requests: Stream, context: CallContext): Responses {
    const call = this.seen.begin('StreamingRecognize', context.metadata);
    this.seen.openStreams += 1;
    this.seen.mostOpenStreams = Math.max(this.seen.mostOpenStreams, this.seen.openStreams);
    try {
      this.admit(context);
      if (this.seen.openStreams > (this.script.maxStreams ?? Infinity)) throw serverError(rivaErrors.noFreeSlot);
      yield* this.stream(requests, context, call);
      call.state = 'done';
    } catch (error) {
      call.state = context.signal.aborted ? 'cancelled' : 'failed';
      throw error;
    } finally {
      if (call.state === 'running') call.state = 'cancelled';
      this.seen.openStreams -= 1;
    }
  }

  getRivaSpeechRecognitionConfig(
    request: riva.RivaSpeechRecognitionConfigRequest,
    context: CallContext,
  ): Promise<riva.RivaSpeechRecognitionConfigResponse> {
    return this.unary('GetRivaSpeechRecognitionConfig', context, (call) => {
      call.modelName = request.modelName;
      if (this.script.configRpc === 'missing') throw serverError(rivaErrors.methodNotFound);
      return Promise.resolve(describeModels(this.script, request.modelName));
    });
  }

  private async unary<Response>(
    method: RivaMethod,
    context: CallContext,
    work: (call: SeenCall, faults: CallFaults) => Promise<Response>,
  ): Promise<Response> {
    const call = this.seen.begin(method, context.metadata);
    try {
      this.admit(context);
      const faults = this.faultsOf(call, context);
      await faults.at({ at: 'start' });
      const response = await work(call, faults);
      call.state = 'done';
      return response;
    } catch (error) {
      call.state = context.signal.aborted ? 'cancelled' : 'failed';
      throw error;
    }
  }

  /** One result per sentence, in time order. */
  private recognizeAll(
    audio: Buffer,
    config: riva.RecognitionConfig,
    model: RivaModel,
    call: SeenCall,
  ): riva.SpeechRecognitionResult[] {
    const intake = new AudioIntake(config);
    const reader = new ToneReader();
    const sentences = [...reader.push(intake.push(audio)), ...reader.push(intake.end())];
    const last = reader.end();
    if (last) sentences.push(last);
    const text = new RivaText(config, model, this.script.speech);
    const readings = sentences.map((sentence) => text.final(sentence));
    if (readings.length === 0 && text.saysSilence) readings.push([text.silence()]);
    call.words = sentences.flatMap((sentence) => sentence.map((word) => word.text));
    call.finals = readings.length;
    const audioProcessed = pcmBytesToMs(reader.heardBytes) / 1000;
    return readings.map((alternatives) => ({ alternatives, channelTag: text.channelTag, audioProcessed }));
  }

  private async *stream(requests: Stream, context: CallContext, call: SeenCall): Responses {
    const faults = this.faultsOf(call, context);
    await faults.at({ at: 'start' });
    let running: RunningStream | undefined;
    for await (const request of requests) {
      this.checkSize(() => riva.StreamingRecognizeRequest.encode(request).finish().length);
      if (running) yield* running.take(request);
      else running = this.open(request, call, faults);
    }
    if (!running) throw serverError(rivaErrors.noConfig);
    await faults.at({ at: 'before_answer' });
    yield* running.end();
  }

  private open(request: riva.StreamingRecognizeRequest, call: SeenCall, faults: CallFaults): RunningStream {
    const { streamingRequest: first, id } = request;
    if (first?.$case !== 'streamingConfig') throw serverError(rivaErrors.configFirst);
    const { config = riva.RecognitionConfig.create(), interimResults } = first.value;
    noteRequest(call, config, id);
    call.interimResults = interimResults;
    const model = chooseModel(this.script, config, 'online');
    return new RunningStream({ config, interimResults, id, model }, this.script, call, faults);
  }

  private admit(context: CallContext): void {
    if (this.script.asr === 'missing') throw serverError(rivaErrors.methodNotFound);
    admitHosted(this.script.hosted, context.metadata);
  }

  private faultsOf(call: SeenCall, context: CallContext): CallFaults {
    return new CallFaults(new FaultPlan(this.script.faults ?? [], call.method, call.number), context, this.die);
  }

  private checkSize(bytes: () => number): void {
    const { maxMessageBytes } = this.script;
    if (maxMessageBytes === undefined) return;
    const size = bytes();
    if (size > maxMessageBytes) throw serverError(messageTooLarge(size, maxMessageBytes));
  }
}
