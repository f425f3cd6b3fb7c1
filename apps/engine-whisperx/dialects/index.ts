import type { Dialect, DialectName } from '../dialect.js';
import { asrWebservice } from './asr-webservice.dialect.js';
import { openai } from './openai.dialect.js';
import { polyscribe } from './polyscribe.dialect.js';
import { whisperxFastapi } from './whisperx-fastapi.dialect.js';

export const dialects: Readonly<Record<DialectName, Dialect>> = {
  polyscribe,
  'asr-webservice': asrWebservice,
  openai,
  'whisperx-fastapi': whisperxFastapi,
};
