// Makes samples/*.opus with their exact texts from samples/sources/*.json. Needs flite and ffmpeg; the same versions of
// the two give the same bytes. Run it after changing a source: node scripts/make-samples.mjs [name ...]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { root } from './lib/run.mjs';

const sampleRateHz = 16_000;
/** Silence around each turn: people do not answer in the same instant. */
const pauseMs = { first: 500, otherSpeaker: 700, sameSpeaker: 900, last: 800 };
/** A sample above this is speech; flite is silent between words but for rounding. */
const speechThreshold = 250;

const samples = join(root, 'samples');
const sources = join(samples, 'sources');

const wanted = process.argv.slice(2);
for (const file of readdirSync(sources).sort()) {
  const name = basename(file, '.json');
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  makeSample(name, JSON.parse(readFileSync(join(sources, file), 'utf8')));
}

/** One sample: the sound, the text as spoken, and the turns with their times in seconds. */
function makeSample(name, source) {
  const work = mkdtempSync(join(tmpdir(), 'polyscribe-samples-'));
  try {
    const { turns, tracks, samples: length } = layOut(source, work);
    writeFileSync(join(work, 'all.pcm'), interleave(tracks, length));
    encode(join(work, 'all.pcm'), source.channels, join(samples, `${name}.opus`));
    writeFileSync(join(samples, `${name}.txt`), `${turns.map((turn) => turn.text).join('\n')}\n`);
    const { about, channels } = source;
    const description = { about, channels, duration: seconds(length), turns };
    writeFileSync(join(samples, `${name}.json`), `${JSON.stringify(description, null, 2)}\n`);
    process.stderr.write(`${name}: ${description.duration} s, ${turns.length} turns\n`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Speaks every turn and places it after the one before. */
function layOut(source, work) {
  const tracks = Array.from({ length: source.channels }, () => []);
  const turns = [];
  let position = toSamples(pauseMs.first);
  let previous;
  for (const turn of source.turns) {
    const speech = trim(speak(turn.text, source.voices[turn.speaker], join(work, 'turn.wav')));
    if (previous) position += toSamples(previous === turn.speaker ? pauseMs.sameSpeaker : pauseMs.otherSpeaker);
    const channel = turn.channel ?? 0;
    tracks[channel].push({ position, speech });
    const end = position + speech.length;
    const place = source.channels > 1 ? { channel } : {};
    turns.push({ speaker: turn.speaker, ...place, start: seconds(position), end: seconds(end), text: turn.text });
    position = end;
    previous = turn.speaker;
  }
  return { turns, tracks, samples: position + toSamples(pauseMs.last) };
}

/** The text as 16-bit samples at 16 kHz. */
function speak(text, voice, wav) {
  execFileSync('flite', ['-voice', voice, '-t', text, '-o', wav]);
  const raw = execFileSync(
    'ffmpeg',
    ['-nostdin', '-v', 'error', '-i', wav, '-ac', '1', '-ar', `${sampleRateHz}`, '-f', 's16le', '-'],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  return new Int16Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length));
}

/** Without the silence at both ends, so that a turn's times are those of its speech. */
function trim(speech) {
  const loud = (sample) => Math.abs(sample) > speechThreshold;
  return speech.subarray(speech.findIndex(loud), speech.findLastIndex(loud) + 1);
}

function interleave(tracks, length) {
  const pcm = new Int16Array(length * tracks.length);
  for (const [channel, pieces] of tracks.entries()) {
    for (const { position, speech } of pieces) {
      for (const [i, sample] of speech.entries()) pcm[(position + i) * tracks.length + channel] = sample;
    }
  }
  return Buffer.from(pcm.buffer);
}

function encode(pcm, channels, target) {
  const input = ['-f', 's16le', '-ar', `${sampleRateHz}`, '-ac', `${channels}`, '-i', pcm];
  const coding = ['-c:a', 'libopus', '-b:a', `${24 * channels}k`, '-application', 'voip'];
  const reproducible = ['-map_metadata', '-1', '-fflags', '+bitexact', '-flags:a', '+bitexact'];
  execFileSync('ffmpeg', ['-nostdin', '-y', '-v', 'error', ...input, ...coding, ...reproducible, target]);
}

function toSamples(ms) {
  return (ms * sampleRateHz) / 1000;
}

function seconds(count) {
  return Math.round((count / sampleRateHz) * 1000) / 1000;
}
