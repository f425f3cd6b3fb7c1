import { type Cue, cuesOf } from './cues.js';
import { type TranscriptDocument, voicesOf } from './transcript-document.js';

/**
 * SubRip. There is no standard; this is what strict readers take: cues numbered from 1, `HH:MM:SS,mmm --> HH:MM:SS,mmm`,
 * the text, one blank line, LF, UTF-8 without a mark.
 */
export function toSubRip(document: TranscriptDocument): string {
  return cuesOf(document.transcript.segments, voicesOf(document), true, document.cueRules)
    .map((cue, index) => `${index + 1}\n${timing(cue, ',')}\n${cue.lines.map(withoutArrow).join('\n')}\n`)
    .join('\n');
}

/** WebVTT (W3C Recommendation track, 2019): escaped text, speakers as voice tags. */
export function toWebVtt(document: TranscriptDocument): string {
  const cues = cuesOf(document.transcript.segments, voicesOf(document), false, document.cueRules).map((cue) => {
    const text = cue.lines.map(escapeCueText).join('\n');
    return `${timing(cue, '.')}\n${cue.voice === undefined ? text : `<v ${escapeCueText(cue.voice)}>${text}`}\n`;
  });
  return ['WEBVTT\n', ...cues].join('\n');
}

function timing(cue: Cue, decimalMark: ',' | '.'): string {
  return `${clock(cue.startMs, decimalMark)} --> ${clock(cue.endMs, decimalMark)}`;
}

function clock(ms: number, decimalMark: string): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const millis = String(ms % 1000).padStart(3, '0');
  return `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1000) % 60)}${decimalMark}${millis}`;
}

/** SubRip has no escape for its own arrow: a text that holds one would be read as a timing line. */
function withoutArrow(line: string): string {
  return line.replaceAll(/-{2,}>/g, '->');
}

function escapeCueText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
