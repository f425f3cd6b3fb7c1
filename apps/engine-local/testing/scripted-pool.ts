import type { InferenceResult, InferenceTask, RecognitionTask } from '../inference-task.js';
import type { InferencePool } from '../recognition.js';
import type { TaskOptions } from '../worker-pool.js';

/** A task that a scripted thread is at. */
export interface ScriptedTask {
  readonly model: string;
  /** The first sample of each utterance. */
  readonly sounds: readonly number[];
  readonly urgent: boolean;
  readonly isCancelled: () => boolean;
  /** Each utterance says its first sample, taken as a token. */
  finish(): void;
  fail(): void;
}

/** Threads that do nothing until they are told to. */
export class ScriptedPool implements InferencePool {
  /** In the order in which they were given. */
  readonly running: ScriptedTask[] = [];
  /** Threads that look for speech. */
  looking = 0;
  private readonly listeners: (() => void)[] = [];

  constructor(readonly size: number) {}

  get idleThreads(): number {
    return Math.max(0, this.size - this.running.length - this.looking);
  }

  get canBegin(): boolean {
    return this.idleThreads > 0;
  }

  onFree(listener: () => void): void {
    this.listeners.push(listener);
  }

  run(task: InferenceTask, { signal, urgent = false }: TaskOptions): Promise<InferenceResult> {
    if (task.kind !== 'recognition') throw new Error('Only utterances are scripted.');
    return new Promise((resolve, reject) => {
      const end = (act: () => void) => () => {
        this.running.splice(this.running.indexOf(scripted), 1);
        act();
        for (const listener of this.listeners) listener();
      };
      const scripted: ScriptedTask = {
        model: task.model,
        sounds: firstSamples(task),
        urgent,
        isCancelled: () => signal.aborted,
        finish: end(() => resolve({ kind: 'recognition', rows: rowsOf(task) })),
        fail: end(() => reject(new Error('as told'))),
      };
      this.running.push(scripted);
    });
  }
}

function firstSamples({ utterances }: RecognitionTask): number[] {
  return utterances.map(([sample = 0]) => sample);
}

function rowsOf(task: RecognitionTask) {
  return firstSamples(task).map((token) => ({ tokens: [token], stop: 'end' as const }));
}
