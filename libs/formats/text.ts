import { paragraphsOf } from './paragraphs.js';
import { documentTitle, onOneLine, type TranscriptDocument, voicesOf } from './transcript-document.js';

/** Paragraphs with a blank line between them, the voice in front where it is known. */
export function toPlainText(document: TranscriptDocument): string {
  const paragraphs = paragraphsOf(document.transcript.segments, voicesOf(document)).map(({ voice, text }) =>
    voice === undefined ? text : `${voice}: ${text}`,
  );
  return paragraphs.length === 0 ? '' : `${paragraphs.join('\n\n')}\n`;
}

/** A title, what is known about the recording, and paragraphs with their time. */
export function toMarkdown(document: TranscriptDocument): string {
  const { transcript, job } = document;
  const rows: [string, string][] = [
    ['File', job.filename],
    ['Recorded length', hoursMinutesSeconds(transcript.durationMs)],
    ['Language', transcript.language],
    ['Engine', `${transcript.engineUsed} (${transcript.model})`],
    ['Created', job.createdAt.toISOString()],
    ...(job.options.tags.length === 0 ? [] : [['Tags', job.options.tags.join(', ')] as [string, string]]),
  ];
  const parts = [
    `# ${escapeMarkdown(documentTitle(document))}`,
    ['| | |', '| --- | --- |', ...rows.map(([name, value]) => `| ${name} | ${escapeMarkdown(value)} |`)].join('\n'),
    ...(transcript.warnings.length === 0
      ? []
      : [transcript.warnings.map((warning) => `> ${escapeMarkdown(warning.message)}`).join('\n>\n')]),
    ...paragraphsOf(transcript.segments, voicesOf(document)).map(({ voice, startMs, text }) => {
      const time = hoursMinutesSeconds(startMs);
      const heading = voice === undefined ? `**${time}**` : `**${voice}** (${time})`;
      return `${heading}\n\n${escapeMarkdown(text)}`;
    }),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** One line for each segment: start and end in milliseconds, the text with `\t`, `\n`, `\r` and `\\` escaped. */
export function toTabSeparated({ transcript }: TranscriptDocument): string {
  const escapes: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\r': '\\r', '\\': '\\\\' };
  const lines = transcript.segments.map(({ startMs, endMs, text }) =>
    [
      String(Math.round(startMs)),
      String(Math.round(endMs)),
      text.replace(/[\t\n\r\\]/g, (found) => escapes[found] ?? ''),
    ].join('\t'),
  );
  return `${['start\tend\ttext', ...lines].join('\n')}\n`;
}

/** What people say or type, so that Markdown shows it and does nothing with it (CommonMark backslash escapes). */
export function escapeMarkdown(text: string): string {
  return onOneLine(text)
    .replace(/[\\`*_{}[\]<>()#|~!&]/g, '\\$&')
    .replace(/^(\d+)\./, '$1\\.')
    .replace(/^[-+=]/, '\\$&');
}

function hoursMinutesSeconds(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  return [seconds / 3600, (seconds / 60) % 60, seconds % 60]
    .map((value) => String(Math.floor(value)).padStart(2, '0'))
    .join(':');
}
