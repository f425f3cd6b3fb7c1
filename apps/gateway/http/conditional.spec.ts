import { entityTag, isKnown, isSameObject } from './conditional.js';

describe('entity tags', () => {
  const tag = entityTag('text');

  it('are strong, and differ with what they tag and how it is divided', () => {
    expect(tag).toMatch(/^"[\w-]{27}"$/);
    expect(entityTag('text')).toBe(tag);
    expect(new Set([tag, entityTag('texts'), entityTag('te', 'xt'), entityTag('t', 'ext')]).size).toBe(4);
  });

  it.each([
    ['the tag', tag, true],
    ['the tag made weak', `W/${tag}`, true],
    ['one of several', `"other", ${tag}`, true],
    ['any', '*', true],
    ['another', '"other"', false],
    ['the tag without quotes', tag.replaceAll('"', ''), false],
    ['nothing', undefined, false],
  ])('are known to a client that names %s', (_, header, known) => {
    expect(isKnown(header, tag)).toBe(known);
  });

  it('let a range apply to the same object alone', () => {
    const modifiedAt = new Date('2026-01-02T03:04:05.678Z');
    expect(isSameObject(undefined, tag, modifiedAt)).toBe(true);
    expect(isSameObject(tag, tag, modifiedAt)).toBe(true);
    expect(isSameObject(modifiedAt.toUTCString(), tag, modifiedAt)).toBe(true);
    expect(isSameObject(`W/${tag}`, tag, modifiedAt)).toBe(false);
    expect(isSameObject(new Date(0).toUTCString(), tag, modifiedAt)).toBe(false);
  });
});
