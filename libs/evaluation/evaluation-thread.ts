import { parentPort, workerData } from 'node:worker_threads';
import { evaluate, type EvaluationTask } from './evaluation-task.js';

// The whole life of the thread: one task, one answer.
parentPort?.postMessage(evaluate(workerData as EvaluationTask));
