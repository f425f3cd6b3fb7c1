import { readArguments } from './arguments.js';
import { CliError } from './cli-error.js';

describe('readArguments', () => {
  it('takes a file alone and prints plain text by default', () => {
    expect(readArguments(['talk.mp3'])).toMatchObject({ file: 'talk.mp3', format: 'txt', json: false, options: {} });
  });

  it('turns options into the fields of the submit route', () => {
    const args = readArguments(['--engine', 'local', 'talk.mp3', '--language', 'en', '--diarize', '--channels']);
    expect(args?.options).toEqual({
      engine: 'local',
      language: 'en',
      enable_diarization: 'true',
      separate_channels: 'true',
    });
  });

  it('gives nothing when help is asked for', () => {
    expect(readArguments(['--help'])).toBeUndefined();
  });

  it.each([
    [[], /No file/],
    [['a.mp3', 'b.mp3'], /One file at a time/],
    [['a.mp3', '--format', 'pdf'], /--format must be one of/],
    [['a.mp3', '--json', '--format', 'srt'], /exclude each other/],
    [['a.mp3', '--speed', '2'], /--speed/],
  ])('refuses %j in one line', (argv, message) => {
    expect(() => readArguments(argv)).toThrow(CliError);
    expect(() => readArguments(argv)).toThrow(message);
  });
});
