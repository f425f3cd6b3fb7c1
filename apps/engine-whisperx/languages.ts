import { normalizeLanguage } from '#contracts';

/**
 * The languages of Whisper, as BCP-47 tags (tokenizer of the published models, large-v3: 100 with Cantonese). What its
 * tokenizer calls `jw` is Javanese, `jv`.
 */
export const whisperLanguages: readonly string[] =
  `en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la mi ml cy
  sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be tg sd gu am yi lo uz
  fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jv su yue`.split(/\s+/);

/** Names for languages of Whisper that clients may use as well. */
const aliases: Readonly<Record<string, string>> = { nb: 'no', fil: 'tl', iw: 'he', in: 'id', jv: 'jw' };

/** Tags that clients may name besides the languages themselves. */
export const languageAliases: readonly string[] = ['nb', 'fil'];

/** Names that OpenAI-shaped servers give instead of a code; the rest is found by the system's own names. */
const namesInEnglish = new Intl.DisplayNames(['en'], { type: 'language' });
const codeByName = new Map(whisperLanguages.map((code) => [(namesInEnglish.of(code) ?? code).toLowerCase(), code]));

/** What Whisper calls a language: without region and script, as its models do not tell them apart. */
export function toWhisperLanguage(tag: string): string {
  const [language = ''] = tag.toLowerCase().split('-');
  return aliases[language] ?? language;
}

/** The BCP-47 tag for a server's word for a language, code or English name; undefined when it is neither. */
export function fromWhisperLanguage(word: string | undefined): string | undefined {
  const text = (word ?? '').trim().toLowerCase();
  if (text === 'jw') return 'jv';
  return codeByName.get(text) ?? (text.length <= 10 ? normalizeLanguage(text) : undefined);
}
