import { type ProgressReport, ProgressReporter } from './progress-reporter.js';

function reporter(save: (report: ProgressReport) => Promise<void> = () => Promise.resolve()) {
  const reports: ProgressReport[] = [];
  const progress = new ProgressReporter('job', {
    save,
    publish: (event) => {
      if (event.type === 'status') reports.push(event.data);
      return Promise.resolve();
    },
  });
  return { progress, reports };
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

  it('throws at the next stage what a report failed with', async () => {
    const { progress } = reporter(() => Promise.reject(new Error('lease lost')));
    await expect(progress.enter('a', '')).rejects.toThrow('lease lost');
    await progress.stop();
  });
});
