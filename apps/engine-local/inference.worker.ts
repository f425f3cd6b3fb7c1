import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { giveWay } from './give-way.js';
import type { InferenceResult, InferenceTask } from './inference-task.js';
import { type LocalModel, localModels, sileroFile } from './model-files.js';
import { Moonshine } from './moonshine.js';
import { SileroVad } from './silero-vad.js';
import { serveTasks } from './worker-thread.js';

/**
 * One thread of inference: its own sessions, one task at a time. Sessions cannot be shared between threads; a second model
 * is loaded when it is first asked for and stays, since there are only two.
 */
const { model } = z.object({ model: z.enum(localModels) }).parse(workerData);
if (!parentPort) throw new Error('This runs as a worker thread only.');
giveWay();

const recognizers = new Map<LocalModel, Moonshine>();

async function recognizer(name: LocalModel): Promise<Moonshine> {
  const loaded = recognizers.get(name) ?? (await Moonshine.load(name));
  recognizers.set(name, loaded);
  return loaded;
}

const voiceActivity = await SileroVad.load(sileroFile());
await recognizer(model);

serveTasks<InferenceTask, InferenceResult>(parentPort, async (task, cancelled) => {
  if (task.kind === 'voice-activity') return voiceActivity.run(task, cancelled);
  const loaded = await recognizer(task.model);
  return loaded.run(task.utterances, cancelled);
});
