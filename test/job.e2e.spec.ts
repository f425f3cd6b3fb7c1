import { parseSync } from 'subtitle';
import { accepted, result, textsFromDeltas, watchToEnd } from './support/api.js';
import { MeshProcess, sample, temporaryDataDir } from './support/mesh-process.js';

/** A job on the whole mesh, from the upload to every form of its transcript. */
describe('a job on the whole mesh', () => {
  let data: Awaited<ReturnType<typeof temporaryDataDir>>;
  let mesh: MeshProcess;

  beforeAll(async () => {
    data = await temporaryDataDir();
    mesh = await MeshProcess.start(data.path);
  }, 300_000);

  afterAll(async () => {
    await mesh.stop();
    await data.remove();
  }, 300_000);

  it('streams text while a long file is being transcribed, and gives the same text at the end', async () => {
    const job = await accepted(mesh.http, sample('long-read.opus'), { language: 'en' });
    const messages = await watchToEnd(mesh.http, job.job_id);

    const ids = messages.map((message) => Number(message.id));
    expect(ids).toEqual(ids.map((_, index) => index + 1));
    expect(messages.at(-1)?.type).toBe('completed');
    const firstDelta = messages.findIndex((message) => message.type === 'delta');
    const progressAtFirstDelta = messages
      .slice(0, firstDelta)
      .filter((message) => message.type === 'status')
      .map((message) => Number(message.data['progress']));
    expect(Math.max(...progressAtFirstDelta)).toBeLessThan(60);
    const progress = messages.filter((m) => m.type === 'status').map((m) => Number(m.data['progress']));
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));

    const { segments, text, duration } = await result(mesh.http, job.job_id);
    const deltas = textsFromDeltas(messages);
    expect(segments.map((segment) => [segment.id, segment.text])).toEqual(
      segments.map((segment) => [segment.id, deltas.get(segment.id)]),
    );
    expect(deltas.size).toBe(segments.length);
    expect(text).toBe(segments.map((segment) => segment.text).join(' '));
    expect(segments.every((segment) => segment.start < segment.end && segment.end <= duration)).toBe(true);
  }, 300_000);

  it('resumes the stream after any event without gap or repeat, and answers 204 to who has read all', async () => {
    const job = await accepted(mesh.http, sample('clinic-dialogue.opus'));
    const all = await watchToEnd(mesh.http, job.job_id);
    const url = `${mesh.http}/api/transcribe/jobs/stream/${job.job_id}`;
    const middle = all[Math.floor(all.length / 2)]?.id ?? '';
    const rest = await (await fetch(url, { headers: { 'last-event-id': middle } })).text();
    const restIds = [...rest.matchAll(/^id: ?(\d+)$/gm)].map((match) => match[1]);
    expect(restIds).toEqual(all.slice(Math.floor(all.length / 2) + 1).map((message) => message.id));
    const last = await fetch(`${url}?last_event_id=${all.at(-1)?.id ?? ''}`);
    expect(last.status).toBe(204);
  }, 300_000);

  it('gives every download format, the subtitles valid for a strict parser', async () => {
    const job = await accepted(mesh.http, sample('clinic-dialogue.opus'));
    await watchToEnd(mesh.http, job.job_id);
    const { text } = await result(mesh.http, job.job_id);
    const bodies = new Map<string, string>();
    for (const format of ['txt', 'md', 'srt', 'vtt', 'json', 'tsv']) {
      const response = await fetch(`${mesh.http}/api/transcripts/${job.transcript_id}/download?format=${format}`);
      expect(response.status).toBe(200);
      bodies.set(format, await response.text());
    }
    for (const format of ['srt', 'vtt']) {
      const cues = parseSync(bodies.get(format) ?? '').filter((node) => node.type === 'cue');
      const cueText = cues.map((cue) => cue.data.text.replace(/\s+/g, ' ')).join(' ');
      expect(cueText).toBe(text);
      expect(cues.every(({ data: cue }) => cue.start < cue.end)).toBe(true);
    }
    expect(bodies.get('txt')?.replace(/\s+/g, ' ').trim()).toBe(text);
    expect(JSON.parse(bodies.get('json') ?? '')).toMatchObject({ text });
  }, 300_000);

  it('keeps the channels of a call apart when asked to', async () => {
    const job = await accepted(mesh.http, sample('stereo-call.opus'), { separate_channels: 'true' });
    await watchToEnd(mesh.http, job.job_id);
    const { segments } = await result(mesh.http, job.job_id);
    expect(new Set(segments.map((segment) => segment.channel))).toEqual(new Set([0, 1]));
    const starts = segments.map((segment) => segment.start);
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
  }, 300_000);
});
