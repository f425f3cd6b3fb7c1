import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EngineRequest, msToPcmBytes, pcmBytesToMs } from '#contracts';
import { RemoteEngine } from '#engine-client';
import { StubRegistry, scriptedSpeech, scriptedWords } from '#engine-testkit';
import { RivaSimulatorProcess } from '#riva-simulator';
import { eventually } from '#testing';
import { root } from '../../test/support/mesh-process.js';
import { markdownTable, surroundings } from '../harness/surroundings.js';

/**
 * How much audio does the Riva adapter carry? Workers' calls go over loopback gRPC to the adapter, a process of its own,
 * and from there to a simulated Riva server, another one, which hears tones and so costs nearly nothing. What is measured
 * is the adapter's own work: streams in and out, words, speakers, segments. Partial results, words and speakers are on.
 */
const CALLS_AT_ONCE = [1, 8, 32];
const CALLS = 32;
const CHUNK_BYTES = 32_000;
const CLOCK_TICKS_PER_SECOND = 100;

const sentence = scriptedWords.slice(0, 8);
const speech = scriptedSpeech(Array.from({ length: 100 }, () => sentence));
const minutes = 5;
const pcm = Buffer.concat([speech, speech]).subarray(0, msToPcmBytes(minutes * 60_000));

const request: EngineRequest = {
  requestId: 'riva-throughput',
  language: 'en-US',
  task: 'transcribe',
  wordTimestamps: true,
  diarization: {},
  phrases: [],
  profile: 'balanced',
  engineOptions: {},
  partialResults: true,
  onUnsupported: 'refuse',
};

const simulator = await RivaSimulatorProcess.start();
const registry = await StubRegistry.start();
const adapter = startAdapter();
const remote = new RemoteEngine();
const rows: string[][] = [];
try {
  const address = await eventually('the adapter', () => [...registry.instances.values()][0]?.address, 30_000);
  await transcribe(address);
  for (const atOnce of CALLS_AT_ONCE) rows.push(await measure(address, atOnce));
} finally {
  remote.close();
  adapter.kill('SIGTERM');
  await once(adapter, 'exit');
  await registry.stop();
  await simulator.kill();
}

const head = [
  'calls at once',
  'audio',
  'time',
  'audio s/s',
  'adapter CPU per audio hour',
  'simulator CPU per audio hour',
  'adapter memory',
];
process.stdout.write(`${surroundings()}\n\n${markdownTable(head, rows)}\n`);

function startAdapter(): ChildProcess {
  return fork(join(root, 'dist/apps/engine-riva/main.js'), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      LOG_LEVEL: 'error',
      ENGINE_REGISTRY_URL: registry.address,
      RIVA_URI: simulator.address,
      RIVA_MAX_STREAMS: String(Math.max(...CALLS_AT_ONCE)),
    },
  });
}

async function measure(address: string, atOnce: number): Promise<string[]> {
  const before = { adapter: cpuSeconds(adapter.pid), simulator: cpuSeconds(simulator.pid), at: performance.now() };
  let left = CALLS;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await transcribe(address);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  const seconds = (performance.now() - before.at) / 1000;
  const audioSeconds = (CALLS * pcmBytesToMs(pcm.length)) / 1000;
  const perHour = (cpu: number): string => `${((cpu / audioSeconds) * 3600).toFixed(2)} s`;
  return [
    String(atOnce),
    `${(audioSeconds / 3600).toFixed(2)} h`,
    `${seconds.toFixed(1)} s`,
    (audioSeconds / seconds).toFixed(0),
    perHour(cpuSeconds(adapter.pid) - before.adapter),
    perHour(cpuSeconds(simulator.pid) - before.simulator),
    `${highestMiB(adapter.pid)} MiB`,
  ];
}

/** One call, which has to give every sentence. */
async function transcribe(address: string): Promise<void> {
  let segments = 0;
  for await (const event of remote.transcribe(address, request, chunks(), new AbortController().signal)) {
    if (event.type === 'segment') segments += 1;
  }
  const spoken = Math.floor(pcm.length / (speech.length / 100));
  if (segments < spoken) throw new Error(`Of ${spoken} sentences ${segments} came.`);
}

async function* chunks(): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < pcm.length; at += CHUNK_BYTES) yield await Promise.resolve(pcm.subarray(at, at + CHUNK_BYTES));
}

/** User and system time of a process, proc_pid_stat(5). */
function cpuSeconds(pid: number | undefined): number {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
  // The name in parentheses may hold spaces; what follows it does not.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
}

/** Highest resident memory, proc_pid_status(5). */
function highestMiB(pid: number | undefined): number {
  const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  return Math.round(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024);
}
