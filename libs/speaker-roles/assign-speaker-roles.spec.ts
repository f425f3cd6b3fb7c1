import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { roleSetNames, type RoleSetName, type SpeakerRoles } from '#contracts';
import { assignSpeakerRoles, type Utterance } from './assign-speaker-roles.js';
import { roleLanguages } from './role-set.js';
import { type Dialogue, dialogues } from './testing/dialogues.js';
import { heldOut } from './testing/held-out.js';

const rolesOf = {
  clinical: ['provider', 'patient'],
  support: ['agent', 'customer'],
  interview: ['interviewer', 'interviewee'],
} as const;

/** The lines with the tag of each speaker; `tags` are those of the first and of the second role. */
function utterancesOf({ lines }: Dialogue, tags: readonly [number, number]): Utterance[] {
  return lines.map((line) => ({ speakerTag: tags[line.startsWith('1: ') ? 1 : 0], text: line.replace(/^1: /, '') }));
}

/** As engines without punctuation, capitals and accents write it. */
function plain(utterances: readonly Utterance[]): Utterance[] {
  return utterances.map(({ speakerTag, text }) => ({
    speakerTag,
    text: text
      .toLowerCase()
      .normalize('NFD')
      .replace(/[^\p{L}\p{N} ]/gu, ''),
  }));
}

function rolesIn(dialogue: Dialogue, tags: readonly [number, number]): SpeakerRoles | undefined {
  return assignSpeakerRoles(utterancesOf(dialogue, tags), dialogue.set, dialogue.language);
}

function expected({ set }: Dialogue, [first, second]: readonly [number, number]): SpeakerRoles {
  return { [first]: rolesOf[set][0], [second]: rolesOf[set][1] };
}

const named = dialogues.map((dialogue) => [`${dialogue.set} in ${dialogue.language}`, dialogue] as const);

describe('assignSpeakerRoles', () => {
  it.each(named)('tells the two of a conversation apart: %s', (_name, dialogue) => {
    expect(rolesIn(dialogue, [0, 1])).toEqual(expected(dialogue, [0, 1]));
  });

  it.each(named)('goes by what is said and not by who speaks first: %s', (_name, dialogue) => {
    const [opening, ...rest] = utterancesOf(dialogue, [1, 0]);
    const utterances = [{ speakerTag: 0, text: 'Hm.' }, ...(opening ? [opening] : []), ...rest];
    expect(assignSpeakerRoles(utterances, dialogue.set, dialogue.language)).toEqual(expected(dialogue, [1, 0]));
  });

  it.each(named)('needs neither punctuation nor accents: %s', (_name, dialogue) => {
    const utterances = plain(utterancesOf(dialogue, [0, 1]));
    expect(assignSpeakerRoles(utterances, dialogue.set, dialogue.language)).toEqual(expected(dialogue, [0, 1]));
  });

  it('labels conversations that it has never seen, and none of them wrongly', () => {
    const outcomes = heldOut.map((dialogue) => ({
      dialogue,
      roles: rolesIn(dialogue, [0, 1]),
      right: expected(dialogue, [0, 1]),
    }));
    const labelled = outcomes.filter(({ roles }) => roles !== undefined);
    expect(labelled.map(({ roles }) => roles)).toEqual(labelled.map(({ right }) => right));
    expect(labelled.length).toBeGreaterThanOrEqual(heldOut.length - 1);
  });

  it.each([
    ['clinic-dialogue', 'clinical'],
    ['stereo-call', 'support'],
  ] as const)('labels the sample %s', async (name, set) => {
    const { turns } = JSON.parse(await readFile(`samples/${name}.json`, 'utf8')) as {
      turns: { speaker: string; text: string }[];
    };
    const names = [...new Set(turns.map(({ speaker }) => speaker))];
    const utterances = turns.map(({ speaker, text }) => ({ speakerTag: names.indexOf(speaker), text }));
    const roles = assignSpeakerRoles(utterances, set, 'en');
    expect(roles).toEqual({ 0: rolesOf[set][0], 1: rolesOf[set][1] });
  });

  it('finds no provider and no patient in conversations of other kinds', () => {
    const others = [...dialogues, ...heldOut].filter(({ set }) => set !== 'clinical');
    const roles = others.map((dialogue) => rolesIn({ ...dialogue, set: 'clinical' }, [0, 1]));
    expect(roles).toEqual(others.map(() => undefined));
  });

  it('takes questions alone for no evidence', () => {
    const questions = Array.from({ length: 10 }, (_, speakerTag) => ({
      speakerTag: speakerTag % 2,
      text: 'Really? And?',
    }));
    for (const set of roleSetNames) expect(assignSpeakerRoles(questions.slice(0, 1), set, 'en')).toBeUndefined();
    const asking = questions.map((line) => (line.speakerTag === 0 ? line : { ...line, text: 'It was so.' }));
    for (const set of roleSetNames) expect(assignSpeakerRoles(asking, set, 'en')).toBeUndefined();
  });

  it('knows the quiet one of two from the other', () => {
    const [dialogue] = dialogues;
    if (!dialogue) throw new Error('There is no dialogue.');
    const utterances = utterancesOf(dialogue, [0, 1]).map((line) =>
      line.speakerTag === 1 ? { ...line, text: 'Hm, yes.' } : line,
    );
    expect(assignSpeakerRoles(utterances, 'clinical', 'en')).toEqual({ 0: 'provider', 1: 'patient' });
  });

  it('gives a speaker who is alone a role where it is clear', () => {
    const complaints = "My back hurts. I can't sleep, I feel awful, and I took some aspirin yesterday.";
    expect(assignSpeakerRoles([{ speakerTag: 0, text: complaints }], 'clinical', 'en')).toEqual({ 0: 'patient' });
    const story = 'The train left at nine, and the sun came up over the hills while we slept.';
    expect(assignSpeakerRoles([{ speakerTag: 0, text: story }], 'clinical', 'en')).toBeUndefined();
  });

  it('judges three speakers each by their own words', () => {
    const [dialogue] = dialogues;
    if (!dialogue) throw new Error('There is no dialogue.');
    const third = { speakerTag: 2, text: 'Yes, that is right. I will wait outside.' };
    const utterances = [...utterancesOf(dialogue, [0, 1]), third];
    expect(assignSpeakerRoles(utterances, 'clinical', 'en')).toEqual({ 0: 'provider', 1: 'patient' });
  });

  it.each([
    ['two who speak alike', ['My head hurts, I feel sick.', "My back hurts, I can't sleep."]],
    ['a greeting', ['Good morning, how are you?', 'Fine, thank you.']],
    ['nothing', ['', '']],
    ['words of no language', ['xqzt vrrb lkkk wwpq '.repeat(50), 'brrr zzzt qqqq '.repeat(50)]],
    ['one habit over and over', ['doctor '.repeat(1), 'well so anyway '.repeat(40)]],
  ])('gives no role for %s', (_what, texts) => {
    const utterances = texts.map((text, speakerTag) => ({ speakerTag, text }));
    expect(assignSpeakerRoles(utterances, 'clinical', 'en')).toBeUndefined();
  });

  it('gives no role in a language whose cues it does not know', () => {
    const [dialogue] = dialogues;
    if (!dialogue) throw new Error('There is no dialogue.');
    for (const language of ['de', 'und', '', 'english']) {
      expect(assignSpeakerRoles(utterancesOf(dialogue, [0, 1]), 'clinical', language)).toBeUndefined();
    }
    expect(assignSpeakerRoles(utterancesOf(dialogue, [0, 1]), 'clinical', 'en-GB')).toBeDefined();
  });

  it('gives only roles of the set, to speakers that there are, whatever is said', () => {
    const utterance = fc.record({ speakerTag: fc.nat(3), text: fc.string({ unit: 'binary', maxLength: 200 }) });
    fc.assert(
      fc.property(
        fc.array(utterance),
        fc.constantFrom(...roleSetNames),
        fc.constantFrom(...roleLanguages),
        (utterances, set: RoleSetName, language) => {
          const roles = assignSpeakerRoles(utterances, set, language) ?? {};
          const tags = new Set(utterances.map(({ speakerTag }) => String(speakerTag)));
          for (const [tag, role] of Object.entries(roles)) {
            expect(tags).toContain(tag);
            expect(rolesOf[set]).toContain(role);
          }
        },
      ),
    );
  });

  it.each([
    ['of one word', 'a'.repeat(1_000_000)],
    ['of beginnings of a cue', 'how long have '.repeat(70_000)],
    ['of questions', '?'.repeat(1_000_000)],
    ['of apart questions', '? '.repeat(500_000)],
    ['of accents', '\u0301'.repeat(1_000_000)],
    ['of cues', 'my head hurts '.repeat(70_000)],
  ])('reads a million characters %s in good time', (_what, text) => {
    const started = performance.now();
    assignSpeakerRoles([{ speakerTag: 0, text }], 'clinical', 'en');
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
