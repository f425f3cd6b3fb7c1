import { eventually } from '#testing';
import { type ProgressReport, ProgressReporter, type ProgressSinks } from './progress-reporter.js';

const never = 3_600_000;

function reporter(save: ProgressSinks['save'] = () => Promise.resolve(), everyMs = 20) {
  const reports: ProgressReport[] = [];
  const publish: ProgressSinks['publish'] = (event) => {
    if (event.type === 'status') reports.push(event.data);
    return Promise.resolve();
  };
  return { progress: new ProgressReporter('job', { save, publish }, everyMs), reports };
}

describe('ProgressReporter', () => {
  it('weighs progress by audio done and gives whole percents', async () => {
    const { progress, reports } = reporter();
    progress.expectAudio(1000);
    progress.audioDone(0, 333);
    await progress.enter('transcribing', 'Transcribing');
    await progress.stop();
    expect(reports).toEqual([
      { job_id: 'job', status: 'processing', progress: 34, stage: 'transcribing', message: 'Transcribing' },
    ]);
  });

  it('never falls, also when a span begins again or the audio proves longer', async () => {
    const { progress, reports } = reporter();
    progress.expectAudio(1000);
    progress.audioDone(0, 900);
    await progress.enter('a', '');
    progress.audioDone(0, 0);
    progress.expectAudio(5000);
    await progress.enter('b', '');
    await progress.stop();
    expect(reports.map((report) => report.progress)).toEqual([86, 86]);
  });

  it('leaves the last percent to the end of the job', async () => {
    const { progress, reports } = reporter();
    progress.expectAudio(10);
    progress.audioDone(0, 50);
    await progress.enter('finishing', '', 100);
    await progress.stop();
    expect(reports[0]?.progress).toBe(99);
  });

  it('reports many small steps as few', async () => {
    const { progress, reports } = reporter();
    progress.expectAudio(1000);
    for (let ms = 1; ms <= 1000; ms += 1) progress.audioDone(0, ms);
    while (reports.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await progress.stop();
    expect(reports).toHaveLength(1);
  });

  it('says nothing twice', async () => {
    const { progress, reports } = reporter();
    await progress.enter('a', 'm');
    await progress.enter('a', 'm');
    progress.say('m');
    await progress.stop();
    expect(reports).toHaveLength(1);
  });

  it('shows what an engine is at while the audio is one span, and no words that it does not know', async () => {
    const { progress, reports } = reporter();
    await progress.enter('transcribing', 'Transcribing', 5);
    for (const stage of ['loading', 'toString', 'make coffee', undefined, 'aligning']) progress.engineWorks(0, stage);
    progress.engineWorks(1, 'loading');
    progress.engineWorks(0, 'diarizing');
    await progress.stop();
    expect(reports.map(({ stage, message }) => [stage, message])).toEqual([
      ['transcribing', 'Transcribing'],
      ['loading', 'Loading the model'],
      ['aligning', 'Finding the times of words'],
      ['transcribing', 'Transcribing'],
    ]);
  });

  it('is silent once stopped', async () => {
    const { progress, reports } = reporter();
    await progress.stop();
    progress.say('late');
    progress.audioDone(0, 10);
    await progress.stop();
    expect(reports).toEqual([]);
  });

  it('writes the row now and then, with all stages since', async () => {
    const rows: Parameters<ProgressSinks['save']>[0][] = [];
    const { progress, reports } = reporter((row) => Promise.resolve(rows.push(row)));
    for (const stage of ['a', 'b', 'b', 'c']) await progress.enter(stage, '');
    expect(rows).toEqual([]);
    await eventually('the row', () => rows.length > 0);
    await progress.stop();
    expect(reports.map(({ stage }) => stage)).toEqual(['a', 'b', 'c']);
    expect(rows.map(({ stage }) => stage)).toEqual(['c']);
    const stages = rows.flatMap((row) => row.stages);
    expect(stages.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    const agoMs = stages.map((stage) => stage.agoMs);
    expect(agoMs).toEqual(agoMs.toSorted((a, b) => b - a));
    expect(progress.takeStages()).toEqual([]);
  });

  it('writes no row for a job that ends at once, and leaves its stages to the end', async () => {
    const rows: unknown[] = [];
    const { progress, reports } = reporter((row) => Promise.resolve(rows.push(row)), never);
    await progress.enter('a', '', 1);
    progress.audioDone(0, 10);
    await progress.enter('b', '');
    await progress.stop();
    expect([rows.length, reports.length]).toEqual([0, 2]);
    expect(progress.takeStages().map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('throws at the next stage what a report failed with', async () => {
    const { progress } = reporter(() => Promise.reject(new Error('lease lost')));
    let stage = 0;
    const entered = () => progress.enter(`${stage++}`, '').then(() => undefined, String);
    expect(await eventually('the failure', entered)).toContain('lease lost');
    await progress.stop();
  });
});
