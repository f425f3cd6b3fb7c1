import type { RivaSettings } from '#config';
import { type EngineHealth, PolyscribeError } from '#contracts';
import { addressList } from '#grpc';
import type { Logger } from '#telemetry';
import { RivaBackend } from './riva-backend.js';
import type { ModelChoice, RivaModel } from './riva-models.js';

/** All backends of one adapter. */
export class RivaBackends {
  private readonly backends: readonly RivaBackend[];

  constructor(
    private readonly settings: RivaSettings,
    logger: Logger,
  ) {
    this.backends = addressList(settings.uri).map((address) => new RivaBackend(address, settings, logger));
  }

  async start(): Promise<void> {
    await Promise.all(this.backends.map((backend) => backend.start()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.backends.map((backend) => backend.stop()));
  }

  /** One that serves is enough; otherwise what each of them says. */
  get health(): EngineHealth {
    if (this.backends.some((backend) => backend.isServing)) return { state: 'serving', reason: '' };
    const isStarting = this.backends.every(({ health }) => health.state === 'starting');
    const reasons = this.backends.slice(0, 5).map(({ address, health }) => `${address}: ${health.reason}`);
    return { state: isStarting ? 'starting' : 'unavailable', reason: reasons.join('; ') };
  }

  /** What they have together, also what those had that are away. Under one name two may serve different languages. */
  get models(): readonly RivaModel[] {
    const byKey = new Map<string, RivaModel>();
    const servingFirst = this.backends.toSorted((a, b) => Number(b.isServing) - Number(a.isServing));
    for (const { isServing, models } of servingFirst) {
      for (const model of models) {
        const key = `${model.type} ${model.name} ${model.languages.join(',')}`;
        if (!byKey.has(key)) byKey.set(key, isServing ? model : { ...model, isAway: true });
      }
    }
    return [...byKey.values()];
  }

  /**
   * The same for a call that is to choose one of them.
   *
   * @throws PolyscribeError `engine_unavailable` while none is known: that is no fault of what the call asks for
   */
  knownModels(): readonly RivaModel[] {
    const { models } = this;
    if (models.length > 0) return models;
    throw new PolyscribeError('engine_unavailable', `No Riva backend can be used: ${this.health.reason}.`);
  }

  /** Calls at once. */
  get capacity(): number {
    return Math.max(1, this.backends.filter(({ isServing }) => isServing).length) * this.settings.maxStreams;
  }

  /**
   * The backend with the fewest calls among those that serve and have the model; `giveBack` it when the call has ended.
   *
   * @throws PolyscribeError `engine_unavailable` when there is none
   */
  take(model: ModelChoice): RivaBackend {
    const able = this.backends.filter((backend) => backend.isServing && has(backend, model));
    const [best] = able.sort((a, b) => Number(a.isSuspect) - Number(b.isSuspect) || a.inFlight - b.inFlight);
    if (!best) throw new PolyscribeError('engine_unavailable', `No Riva backend can be used: ${this.why(model)}.`);
    best.inFlight += 1;
    return best;
  }

  giveBack(backend: RivaBackend): void {
    backend.inFlight -= 1;
  }

  private why(model: ModelChoice): string {
    const { state, reason } = this.health;
    return state === 'serving' ? `the backend that has ${model.name} is away` : reason;
  }
}

function has({ models }: RivaBackend, { name, type, languageCode }: ModelChoice): boolean {
  return models.some((model) => model.name === name && model.type === type && model.languages.includes(languageCode));
}
