import type { TranscriptFormat } from '#contracts';
import { resultBody } from './result-body.js';
import { toSubRip, toWebVtt } from './subtitles.js';
import { toMarkdown, toPlainText, toTabSeparated } from './text.js';
import type { TranscriptDocument } from './transcript-document.js';

export { type CueRules, defaultCueRules } from './cue-rules.js';
export {
  documentTitle,
  fileNameOf,
  speakerNames,
  type SpeakerNames,
  type TranscriptDocument,
} from './transcript-document.js';

// Chosen at read time: only the canonical form stands in the database.
export { type TranscriptFormat, transcriptFormats } from '#contracts';

interface FormatRow {
  /** For the Content-Type header. */
  readonly mediaType: string;
  readonly render: (document: TranscriptDocument) => string;
}

/** One row for each format; the format's name is its file extension. */
export const formatTable: Readonly<Record<TranscriptFormat, FormatRow>> = {
  txt: { mediaType: 'text/plain; charset=utf-8', render: toPlainText },
  md: { mediaType: 'text/markdown; charset=utf-8', render: toMarkdown },
  // No media type is registered for SubRip; this is the one that players and servers use.
  srt: { mediaType: 'application/x-subrip; charset=utf-8', render: toSubRip },
  vtt: { mediaType: 'text/vtt; charset=utf-8', render: toWebVtt },
  json: {
    mediaType: 'application/json; charset=utf-8',
    render: (document) => `${JSON.stringify(resultBody(document), undefined, 2)}\n`,
  },
  tsv: { mediaType: 'text/tab-separated-values; charset=utf-8', render: toTabSeparated },
};
