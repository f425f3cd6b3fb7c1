import { runProcess } from '#service-host';
import { engineWhisperx } from './index.js';

await runProcess(engineWhisperx.name, [engineWhisperx]);
