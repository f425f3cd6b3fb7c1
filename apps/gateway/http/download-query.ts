import { z } from 'zod';
import { engineKinds } from '#contracts';
import { type CueRules, defaultCueRules, type SpeakerNames, speakerNames, transcriptFormats } from '#formats';

/** A number of a query, between bounds. */
function numeric(min: number, max: number, whole: boolean) {
  const error = `must be a ${whole ? 'whole number' : 'number'} from ${min} to ${max}`;
  const schema = z.coerce.number({ error }).min(min, { error }).max(max, { error });
  return (whole ? schema.int({ error }) : schema).optional();
}

const cueFields = {
  max_line_chars: numeric(10, 200, true).describe('Characters of a line; 42 unless given.'),
  max_lines: numeric(1, 6, true).describe('Lines of a cue; 2 unless given.'),
  max_chars_per_second: numeric(5, 100, false).describe(
    'Reading speed: cues stay for as long as reading takes, where the next one leaves room.',
  ),
  min_cue_s: numeric(0, 20, false).describe('Cues stay at least that long, where the next one leaves room.'),
  max_cue_s: numeric(0.2, 60, false).describe('No cue stays longer; longer ones are cut.'),
};
const cueNames = Object.keys(cueFields) as (keyof typeof cueFields)[];
const subtitleFormats: readonly string[] = ['srt', 'vtt'];

/** The query of a download. */
export const downloadQuery = z
  .strictObject({
    format: z
      .enum(transcriptFormats, { error: `must be one of ${transcriptFormats.join(', ')}` })
      .default('txt')
      .describe('What kind of file.'),
    speakers: z
      .enum(speakerNames, { error: `must be one of ${speakerNames.join(', ')}` })
      .default('tags')
      .describe('How txt, md, srt and vtt call speakers: by number, by role where one is known, or not at all.'),
    engine: z
      .enum(engineKinds, { error: `must be one of ${engineKinds.join(', ')}` })
      .optional()
      .describe('Of a job of several engines: what this one wrote. Left out, the text of the job.'),
    ...cueFields,
  })
  .superRefine((query, context) => {
    const misplaced = subtitleFormats.includes(query.format)
      ? []
      : cueNames.filter((name) => query[name] !== undefined);
    for (const name of misplaced) {
      context.addIssue({ code: 'custom', path: [name], message: 'is for srt and vtt alone' });
    }
    const { min_cue_s: min, max_cue_s: max } = query;
    if (min !== undefined && max !== undefined && min > max) {
      context.addIssue({ code: 'custom', path: ['min_cue_s'], message: 'must not be more than max_cue_s' });
    }
  });
export type DownloadQuery = z.output<typeof downloadQuery>;

/** How texts for people are to be made. */
export interface ReadingStyle {
  readonly speakerNames: SpeakerNames;
  readonly cueRules: CueRules;
}

export function readingStyle(query: DownloadQuery): ReadingStyle {
  const { max_chars_per_second: speed, min_cue_s: min, max_cue_s: max } = query;
  return {
    speakerNames: query.speakers,
    cueRules: {
      maxLineLength: query.max_line_chars ?? defaultCueRules.maxLineLength,
      maxLines: query.max_lines ?? defaultCueRules.maxLines,
      ...(speed === undefined ? {} : { charactersPerSecond: speed }),
      ...(min === undefined ? {} : { minCueMs: min * 1000 }),
      ...(max === undefined ? {} : { maxCueMs: max * 1000 }),
    },
  };
}
