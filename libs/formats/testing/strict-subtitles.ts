const subRipTiming = /^(\d{2,}):([0-5]\d):([0-5]\d),(\d{3}) --> (\d{2,}):([0-5]\d):([0-5]\d),(\d{3})$/;
const webVttTiming = /^(\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3}) --> (\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3})$/;

/** Everything in which a SubRip text departs from what the strictest readers take; empty when nothing does. */
export function strictSubRipProblems(text: string): string[] {
  if (text === '') return [];
  const problems = text.endsWith('\n') ? [] : ['does not end with a line end'];
  const blocks = text.replace(/\n$/, '').split('\n\n');
  const times: [number, number][] = [];
  blocks.forEach((block, index) => {
    const [number, timing = '', ...lines] = block.split('\n');
    if (number !== String(index + 1)) problems.push(`cue ${index + 1} is numbered ${number ?? ''}`);
    times.push(...readTiming(subRipTiming, timing, index, problems));
    problems.push(...lineProblems(lines, index));
  });
  return [...problems, ...orderProblems(times)];
}

/** The same for WebVTT as this library writes it. */
export function strictWebVttProblems(text: string): string[] {
  if (!text.startsWith('WEBVTT\n')) return ['does not begin with WEBVTT'];
  const problems: string[] = [];
  const times: [number, number][] = [];
  text
    .replace(/\n$/, '')
    .split('\n\n')
    .slice(1)
    .forEach((block, index) => {
      const [timing = '', ...lines] = block.split('\n');
      times.push(...readTiming(webVttTiming, timing, index, problems));
      problems.push(...lineProblems(lines, index));
      const bare = lines.join('\n').replace(/^<v [^<>\n]+>/, '');
      if (/[<>]|&(?!amp;|lt;|gt;)/.test(bare)) problems.push(`cue ${index + 1} has unescaped markup`);
    });
  return [...problems, ...orderProblems(times)];
}

function readTiming(pattern: RegExp, line: string, index: number, problems: string[]): [number, number][] {
  const found = pattern.exec(line)?.slice(1).map(Number);
  if (found?.length !== 8) {
    problems.push(`cue ${index + 1} has the timing line "${line}"`);
    return [];
  }
  const at = (offset: number): number => {
    const [hours = 0, minutes = 0, seconds = 0, millis = 0] = found.slice(offset, offset + 4);
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + millis;
  };
  return [[at(0), at(4)]];
}

function lineProblems(lines: readonly string[], index: number): string[] {
  const problems: string[] = [];
  if (lines.length < 1 || lines.length > 2) problems.push(`cue ${index + 1} has ${lines.length} lines`);
  for (const line of lines) {
    if (line.trim() === '') problems.push(`cue ${index + 1} has an empty line`);
    if (line.includes('-->')) problems.push(`cue ${index + 1} has an arrow in its text`);
  }
  return problems;
}

function orderProblems(times: readonly (readonly [number, number])[]): string[] {
  return times.flatMap(([start, end], index) => {
    const before = times[index - 1]?.[1] ?? 0;
    return [
      ...(end > start ? [] : [`cue ${index + 1} ends at ${end} and begins at ${start}`]),
      ...(start >= before ? [] : [`cue ${index + 1} begins before the one in front of it ends`]),
    ];
  });
}
