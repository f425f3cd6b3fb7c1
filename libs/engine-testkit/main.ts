import { engineKinds, isErrorCode } from '#contracts';
import { hostEngine } from '#engine-host';
import { runProcess } from '#service-host';
import { z } from 'zod';
import { type Behaviour, ScriptedEngine } from './scripted-engine.js';

/**
 * A scripted engine as a process of its own, for tests that kill processes and for measuring the mesh without a model.
 *
 * - `SCRIPTED_ENGINE`: the engine it registers as; `local` unless told otherwise
 * - `SCRIPTED_BEHAVIOUR`: `work`, `hang`, `garbage`, or an error code with which every call fails
 * - `SCRIPTED_AFTER_SEGMENTS`: how many segments come before a hang or an error
 * - `SCRIPTED_WORK_MS`: work for each second of speech
 * - `SCRIPTED_CONCURRENCY`: calls it serves at once
 */
const settings = z
  .object({
    SCRIPTED_ENGINE: z.enum(engineKinds).default('local'),
    SCRIPTED_BEHAVIOUR: z.string().default('work'),
    SCRIPTED_AFTER_SEGMENTS: z.coerce.number().int().min(0).default(0),
    SCRIPTED_WORK_MS: z.coerce.number().min(0).default(0),
    SCRIPTED_CONCURRENCY: z.coerce.number().int().min(1).default(8),
  })
  .parse(process.env);

function behaviour(): Behaviour {
  const { SCRIPTED_BEHAVIOUR: kind, SCRIPTED_AFTER_SEGMENTS: afterSegments } = settings;
  if (kind === 'work' || kind === 'garbage') return { kind };
  if (kind === 'hang') return { kind, afterSegments };
  if (isErrorCode(kind)) return { kind: 'fail', code: kind, afterSegments };
  throw new Error('SCRIPTED_BEHAVIOUR must be work, hang, garbage or an error code.');
}

const chosen = behaviour();
const engine = new ScriptedEngine({
  engine: settings.SCRIPTED_ENGINE,
  workMsPerSecond: settings.SCRIPTED_WORK_MS,
  capabilities: { maxConcurrency: settings.SCRIPTED_CONCURRENCY },
  behave: () => chosen,
});

await runProcess('engine-scripted', [
  { name: 'engine-scripted', needs: ['registry'], provides: [], start: (context) => hostEngine({ engine, context }) },
]);
