import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evaluateFiles, readEvaluation } from './evaluate.js';
import { readTranscript } from './transcript-file.js';

describe('evaluate', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'polyscribe-evaluate-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function file(name: string, content: string): Promise<string> {
    await writeFile(join(folder, name), content);
    return join(folder, name);
  }

  const contents: [string, string][] = [
    ['a.txt', 'Good morning, Anna. How are you?'],
    [
      'a.srt',
      '1\n00:00:00,000 --> 00:00:01,000\nGood morning, Anna.\n\n2\n00:00:01,000 --> 00:00:02,000\nHow are\nyou?\n',
    ],
    [
      'a.vtt',
      'WEBVTT\n\nNOTE a note\n\n00:00.000 --> 00:01.000\n<v Bob>Good morning, Anna.\n\nx\n00:01.000 --> 00:02.000\nHow are you?\n',
    ],
    ['a.json', JSON.stringify({ segments: [{ text: 'Good morning, Anna.' }, { text: 'How are you?' }] })],
    ['result.JSON', JSON.stringify({ text: 'Good morning, Anna. How are you?', segments: [] })],
  ];

  it.each(contents)('reads %s', async (name, content) => {
    const text = await readTranscript(await file(name, content));
    expect(text.replace(/\s+/g, ' ').trim()).toBe('Good morning, Anna. How are you?');
  });

  it('prints the figures, and the differences where they are asked for', async () => {
    const reference = await file('reference.txt', 'the cat sat on the mat');
    const hypothesis = await file('hypothesis.txt', 'The dog sat on mat now.');
    const args = { reference, hypothesis, diff: true, json: false, ignoreCase: true, ignorePunctuation: true };
    expect(await evaluateFiles(args)).toBe(
      'The [-cat-]{+dog+} sat on [-the-] mat {+now.+}\n\n' +
        'Word error rate  50.00 %\nSubstitutions    1\nInsertions       1\nDeletions        1\nWords said       6\n',
    );
    expect(JSON.parse(await evaluateFiles({ ...args, json: true }))).toMatchObject({ wer: 0.5 });
  });

  it.each([
    [['one'], /Two files are needed/],
    [['one', 'two', 'three'], /what is "three"/],
    [['one', 'two', '--loud'], /Try --help/],
  ])('refuses %j', (argv, message) => {
    expect(() => readEvaluation(argv)).toThrow(message);
  });

  it('says what is wrong with a file', async () => {
    await expect(readTranscript(join(folder, 'none.txt'))).rejects.toThrow('There is no file');
    await expect(readTranscript(folder)).rejects.toThrow('is not a file');
    await expect(readTranscript(await file('bad.json', '{'))).rejects.toThrow('is no JSON');
    await expect(readTranscript(await file('other.json', '[]'))).rejects.toThrow('neither "text" nor "segments"');
  });
});
