import { type EngineRequest, PolyscribeError, languageMatches, normalizeLanguage } from '#contracts';
import type { RivaSettings } from '#config';
import type { riva } from '#protos';

/** How a model is called: `online` in streams, `offline` with the whole audio in one message. */
export type ModelType = RivaSettings['modelType'];

/** A model that a backend has. */
export interface RivaModel {
  /** What a call names; empty lets the backend choose by language and type. */
  readonly name: string;
  readonly type: ModelType;
  /** As the backend writes them, which is what a call must send: tags, bare languages, `multi`, `auto`. */
  readonly languages: readonly string[];
  /** By our configuration and not by the backend. */
  readonly isAssumed?: true;
  /** No backend that has it serves at the moment. */
  readonly isAway?: true;
}

/** What a call is to send. */
export interface ModelChoice {
  readonly name: string;
  readonly type: ModelType;
  readonly languageCode: string;
}

/** By these names multilingual models say that they find out the language themselves. */
const detecting: readonly string[] = ['multi', 'auto'];

export function detects(language: string): boolean {
  return detecting.includes(language.toLowerCase());
}

/** Models from the answer to GetRivaSpeechRecognitionConfig. Names carry no meaning; type and languages do. */
export function readModels(answer: riva.RivaSpeechRecognitionConfigResponse): readonly RivaModel[] {
  return answer.modelConfig.flatMap(({ modelName: name, parameters }) => {
    const type = parameters['type']?.trim().toLowerCase();
    if (name === '' || (type !== 'online' && type !== 'offline')) return [];
    const listed = (parameters['language_code'] ?? '').split(',').map((language) => language.trim());
    const languages = listed.filter((language) => detects(language) || normalizeLanguage(language) !== undefined);
    return languages.length === 0 ? [] : [{ name, type, languages }];
  });
}

/** What is taken for deployed where a backend does not tell. */
export function assumedModels(settings: RivaSettings): readonly RivaModel[] {
  return [{ name: settings.model ?? '', type: settings.modelType, languages: [settings.language], isAssumed: true }];
}

/** The languages as the mesh knows them. */
export function languagesOf(models: readonly RivaModel[]): readonly string[] {
  const tags = models.flatMap(({ languages }) => languages.map((tag) => (detects(tag) ? '*' : normalizeLanguage(tag))));
  return [...new Set(tags.filter((tag) => tag !== undefined))];
}

/**
 * Chooses by language and type, never by what a name seems to say. Streams are preferred: they answer while they listen
 * and know no limit of length. The preferred model comes first where it serves the language; models that are away come last.
 *
 * @throws PolyscribeError `model_not_found`, `unsupported_language` that say what there is
 */
export function chooseModel(
  request: Pick<EngineRequest, 'language' | 'model'>,
  models: readonly RivaModel[],
  preferred?: string,
): ModelChoice {
  const named = request.model === undefined ? models : models.filter(({ name }) => name === request.model);
  if (named.length === 0) {
    throw new PolyscribeError('model_not_found', `Riva has no model of that name; it has ${list(models)}.`);
  }
  const [best] = named
    .flatMap((model) => {
      const languageCode = languageFor(request.language, model);
      return languageCode === undefined ? [] : [{ model, languageCode }];
    })
    .map((candidate) => ({ ...candidate, rank: rank(candidate, request.language, preferred) }))
    .sort((a, b) => a.rank - b.rank);
  if (best) return { name: best.model.name, type: best.model.type, languageCode: best.languageCode };
  throw new PolyscribeError(
    'unsupported_language',
    request.language === undefined
      ? `Riva cannot detect the language; name one of ${list(named)}.`
      : `Riva does not know ${request.language} here; it has ${list(named)}.`,
  );
}

/** What to send for a language; undefined when the model does not serve it. */
function languageFor(wanted: string | undefined, { languages }: RivaModel): string | undefined {
  const own = languages.find((language) => detects(language));
  if (wanted === undefined) return own ?? (languages.length === 1 ? languages[0] : undefined);
  const fits = languages.filter((language) => languageMatches(language, wanted));
  return fits.find((language) => language.toLowerCase() === wanted.toLowerCase()) ?? fits[0] ?? own;
}

/** Smaller is better; equal ones stay in the order in which the backend lists them. */
function rank(
  { model, languageCode }: { readonly model: RivaModel; readonly languageCode: string },
  wanted: string | undefined,
  preferred: string | undefined,
): number {
  const isDetected = detects(languageCode);
  // Where no language is named, a model of one language would write all others down as nonsense.
  const guesses = wanted === undefined && !isDetected ? 8 : 0;
  return (
    (model.isAway ? 16 : 0) +
    guesses +
    (model.name === preferred ? 0 : 4) +
    (model.type === 'online' ? 0 : 2) +
    (isDetected ? 1 : 0)
  );
}

/** For messages: what is available. Bounded: some deployments list dozens of languages. */
export function list(models: readonly RivaModel[]): string {
  if (models.some(({ isAssumed }) => isAssumed)) {
    return 'models that it does not tell: check RIVA_MODEL, RIVA_MODEL_TYPE and RIVA_LANGUAGE';
  }
  const shown = models.slice(0, 8).map(({ name, type, languages }) => {
    const more = languages.length > 6 ? ` and ${languages.length - 6} more` : '';
    return `${name === '' ? 'a model' : name} (${type}, ${languages.slice(0, 6).join(', ')}${more})`;
  });
  if (shown.length === 0) return 'no model';
  return shown.join('; ') + (models.length > shown.length ? ` and ${models.length - shown.length} more` : '');
}
