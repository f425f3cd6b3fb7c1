import fc from 'fast-check';
import { formatTable, transcriptFormats } from './formats.js';
import { fullText, resultBody } from './result-body.js';
import { aDocument, aSegment } from './testing/documents.js';
import { escapeMarkdown, toMarkdown, toPlainText, toTabSeparated } from './text.js';

const dialogue = [
  aSegment(70, 1_500, 'How are you?', { speakerTag: 0 }),
  aSegment(1_600, 2_500, 'Tell me.', { speakerTag: 0 }),
  aSegment(3_000, 5_000, 'Much better.', { speakerTag: 1 }),
];

describe('resultBody', () => {
  it('gives seconds without binary noise and the joined text', () => {
    const body = resultBody(aDocument(dialogue));
    expect(body.segments[0]).toEqual({ id: '0-70', start: 0.07, end: 1.5, text: 'How are you?', speaker_tag: 0 });
    expect(body.text).toBe('How are you? Tell me. Much better.');
    expect(body.text).toBe(fullText(dialogue));
  });

  it('leaves words out unless the job asked for them', () => {
    const segment = aSegment(0, 500, 'Yes.', { words: [{ text: 'Yes.', startMs: 0, endMs: 500, confidence: 0.9 }] });
    expect(resultBody(aDocument([segment])).segments[0]).not.toHaveProperty('words');
    expect(resultBody(aDocument([segment], { options: { wordTimestamps: true } })).segments[0]?.words).toEqual([
      { word: 'Yes.', start: 0, end: 0.5, confidence: 0.9 },
    ]);
  });

  it('echoes what the caller gave', () => {
    const options = { metadata: { a: [1] }, dbId: '7', title: 'Visit', tags: ['x'] };
    expect(resultBody(aDocument([], { options }))).toMatchObject({ metadata: { a: [1] }, db_id: '7', title: 'Visit' });
  });
});

describe('plain text', () => {
  it('begins a paragraph with each voice', () => {
    expect(toPlainText(aDocument(dialogue))).toBe('Speaker 1: How are you? Tell me.\n\nSpeaker 2: Much better.\n');
  });

  it('begins a paragraph after a pause', () => {
    const segments = [aSegment(0, 1_000, 'One.'), aSegment(3_000, 4_000, 'Two.'), aSegment(4_100, 5_000, 'Three.')];
    expect(toPlainText(aDocument(segments))).toBe('One.\n\nTwo. Three.\n');
  });

  it('is empty for silence', () => {
    expect(toPlainText(aDocument([]))).toBe('');
  });
});

describe('Markdown', () => {
  it('has a title, a table and paragraphs with times', () => {
    const text = toMarkdown(aDocument(dialogue, { options: { title: 'Visit #1', tags: ['a|b'] } }));
    expect(text).toContain(
      '# Visit \\#1\n\n| | |\n| --- | --- |\n| File | visit.mp3 |\n| Recorded length | 00:01:30 |',
    );
    expect(text).toContain('| Tags | a\\|b |');
    expect(text).toContain('**Speaker 2** (00:00:03)\n\nMuch better.\n');
  });

  it.each([
    ['1. first', '1\\. first'],
    ['- item', '\\- item'],
    ['<b>*x*</b>', '\\<b\\>\\*x\\*\\</b\\>'],
    ['two\nlines', 'two lines'],
  ])('shows %j as it is', (text, escaped) => {
    expect(escapeMarkdown(text)).toBe(escaped);
  });
});

describe('tab-separated values', () => {
  it('has one line of three fields for each segment, whatever the text', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), (texts) => {
        const lines = toTabSeparated(aDocument(texts.map((text, index) => aSegment(index, index + 1, text)))).split(
          '\n',
        );
        expect(lines.pop()).toBe('');
        expect(lines.shift()).toBe('start\tend\ttext');
        const back = lines.map((line) => {
          const [start, , text] = line.split('\t');
          return [start, text?.replace(/\\(.)/g, (_, c: string) => ({ t: '\t', n: '\n', r: '\r' })[c] ?? c)];
        });
        expect(back).toEqual(texts.map((text, index) => [String(index), text]));
      }),
    );
  });
});

describe('formatTable', () => {
  it.each(transcriptFormats)('renders %s for a transcript without speech', (format) => {
    expect(typeof formatTable[format].render(aDocument([]))).toBe('string');
  });

  it('gives JSON that is the body of the result route', () => {
    const document = aDocument(dialogue);
    expect(JSON.parse(formatTable.json.render(document))).toEqual(JSON.parse(JSON.stringify(resultBody(document))));
  });
});

describe('names of speakers', () => {
  const transcript = { speakerRoles: { 0: 'provider', 1: 'patient' } } as const;
  const byRole = { ...aDocument(dialogue, { transcript }), speakerNames: 'roles' as const };

  it('are numbers unless roles are asked for', () => {
    expect(toPlainText(aDocument(dialogue, { transcript }))).toContain('Speaker 2: Much better.');
    expect(resultBody(aDocument(dialogue, { transcript })).speaker_roles).toEqual({ 0: 'provider', 1: 'patient' });
    expect(resultBody(aDocument(dialogue))).not.toHaveProperty('speaker_roles');
  });

  it('are roles in every text for people where they are asked for', () => {
    expect(toPlainText(byRole)).toBe('Provider: How are you? Tell me.\n\nPatient: Much better.\n');
    expect(toMarkdown(byRole)).toContain('**Patient** (00:00:03)');
    expect(formatTable.srt.render(byRole)).toContain('Patient: Much better.');
    expect(formatTable.vtt.render(byRole)).toContain('<v Patient>Much better.');
  });

  it('are left out where nobody wants them, and a change of voice still begins a paragraph', () => {
    const nameless = { ...aDocument(dialogue), speakerNames: 'none' as const };
    expect(toPlainText(nameless)).toBe('How are you? Tell me.\n\nMuch better.\n');
    expect(formatTable.srt.render(nameless)).not.toContain('Speaker');
    expect(formatTable.vtt.render(nameless)).not.toContain('<v');
  });

  it('stay apart for speakers who share a role or have none', () => {
    const three = [...dialogue, aSegment(6_000, 7_000, 'So she says.', { speakerTag: 2 })];
    const shared = aDocument(three, { transcript: { speakerRoles: { 1: 'patient', 2: 'patient' } } });
    expect(toPlainText({ ...shared, speakerNames: 'roles' })).toBe(
      'Speaker 1: How are you? Tell me.\n\nPatient (Speaker 2): Much better.\n\nPatient (Speaker 3): So she says.\n',
    );
  });
});
