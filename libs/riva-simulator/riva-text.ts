import { type HeardSentence, type HeardWord, scriptedWords } from '#engine-testkit';
import type { riva } from '#protos';
import { type RivaModel, type SpeechScript, defaultSpeech } from './riva-script.js';

/** Writes what was heard in one call the way Riva does, by what the request asks for and the script says. */
export class RivaText {
  private readonly speech: SpeechScript;
  private segments = 0;
  private words = 0;

  constructor(
    private readonly config: riva.RecognitionConfig,
    private readonly model: RivaModel,
    speech: Partial<SpeechScript> | undefined,
  ) {
    this.speech = { ...defaultSpeech, ...speech };
  }

  get channelTag(): number {
    return this.speech.channelTag;
  }

  get saysSilence(): boolean {
    return this.speech.silence === 'empty_result';
  }

  /** The readings of a finished utterance, the best one first; no other has words. */
  final(sentence: HeardSentence): riva.SpeechRecognitionAlternative[] {
    const { confidence, detectedLanguages, paddingBytes } = this.speech;
    const best = {
      transcript: this.spaced(this.textOf(sentence)),
      confidence,
      words: this.wordsOf(sentence),
      languageCode: [...detectedLanguages],
    };
    this.segments += 1;
    const others = Math.max(this.config.maxAlternatives, 1) - 1;
    const spare = { ...best, confidence: confidence - 1, words: [] };
    const padding = paddingBytes > 0 ? [{ ...spare, transcript: ' '.repeat(paddingBytes) }] : [];
    return [best, ...Array.from({ length: Math.min(others, 3) }, () => spare), ...padding];
  }

  /** A reading that may still change: no words, no score. */
  interim(sentence: HeardSentence): riva.SpeechRecognitionAlternative {
    return bare(this.spaced(this.textOf(sentence)));
  }

  /** An interim in two parts, of which the second is unsure. Read one after the other they are the whole. */
  interimParts(sentence: HeardSentence): riva.SpeechRecognitionAlternative[] {
    const text = this.spaced(this.textOf(sentence));
    const cut = text.trimEnd().lastIndexOf(' ') + 1;
    return [text.slice(0, cut), text.slice(cut)].filter((part) => part.trim() !== '').map(bare);
  }

  /** What stands for silence, where something does. */
  silence(): riva.SpeechRecognitionAlternative {
    return bare('');
  }

  private textOf(sentence: HeardSentence): string {
    const text = sentence.map((word) => this.spelt(word)).join(' ');
    return this.punctuates && text !== '' ? `${capitalised(text)}.` : text;
  }

  private get punctuates(): boolean {
    return this.config.enableAutomaticPunctuation || this.model.alwaysPunctuates === true;
  }

  private spaced(text: string): string {
    if (this.speech.spacing === 'trailing') return `${text} `;
    return this.segments > 0 ? ` ${text}` : text;
  }

  private spelt({ text }: HeardWord): string {
    const { profanities, rewrites } = this.speech;
    if (this.config.profanityFilter && profanities.includes(text)) {
      return text.slice(0, 1) + '*'.repeat(text.length - 1);
    }
    return this.config.verbatimTranscripts ? text : (rewrites[text] ?? text);
  }

  private wordsOf(sentence: HeardSentence): riva.WordInfo[] {
    const { words: kind = 'timed' } = this.model;
    const isTimed = kind === 'timed' && this.config.enableWordTimeOffsets;
    if (!isTimed && kind !== 'languages') return [];
    return sentence.map((word, index) => this.wordOf(word, isTimed, index === 0, index === sentence.length - 1));
  }

  private wordOf(word: HeardWord, isTimed: boolean, isFirst: boolean, isLast: boolean): riva.WordInfo {
    const { punctuatedWords, wordConfidence, confidence, detectedLanguages } = this.speech;
    let text = this.spelt(word);
    if (punctuatedWords && this.punctuates) {
      if (isFirst) text = capitalised(text);
      if (isLast) text = `${text}.`;
    }
    this.words += 1;
    return {
      startTime: isTimed ? word.startMs : 0,
      endTime: isTimed ? word.endMs : 0,
      word: text,
      confidence: isTimed ? (wordConfidence ?? confidence) : 0,
      speakerTag: isTimed ? this.tagOf(word) : 0,
      languageCode: detectedLanguages[0] ?? '',
    };
  }

  /** Each voice has its share of the words that scripted speech can say: with two, the second one begins at `india`. */
  private tagOf({ text }: HeardWord): number {
    const { speakerTags, untaggedEvery } = this.speech;
    const hasDiarizer = this.model.diarizer ?? true;
    if (!hasDiarizer || !this.config.diarizationConfig?.enableSpeakerDiarization) return 0;
    if (untaggedEvery > 0 && this.words % untaggedEvery === 0) return 0;
    const voice = Math.floor((scriptedWords.indexOf(text) * speakerTags.length) / scriptedWords.length);
    return speakerTags[voice] ?? 0;
  }
}

function bare(transcript: string): riva.SpeechRecognitionAlternative {
  return { transcript, confidence: 0, words: [], languageCode: [] };
}

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
