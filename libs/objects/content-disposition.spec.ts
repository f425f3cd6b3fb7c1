import fc from 'fast-check';
import { attachmentNamed } from './content-disposition.js';

describe('attachmentNamed', () => {
  it.each([
    ['talk.wav', `attachment; filename="talk.wav"; filename*=UTF-8''talk.wav`],
    ['März (1).wav', `attachment; filename="M_rz (1).wav"; filename*=UTF-8''M%C3%A4rz%20%281%29.wav`],
    ['a"b\\c%d.wav', `attachment; filename="a_b_c_d.wav"; filename*=UTF-8''a%22b%5Cc%25d.wav`],
    ['a\r\nSet-Cookie: x', `attachment; filename="a__Set-Cookie: x"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x`],
    ['half \ud800 pair', `attachment; filename="half _ pair"; filename*=UTF-8''half%20%EF%BF%BD%20pair`],
  ])('writes %j so that no character of it is taken for syntax', (filename, header) => {
    expect(attachmentNamed(filename)).toBe(header);
  });

  it('is one safe header for any name, which can be read back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const encoded = /^attachment; filename="[\x20-\x21\x23-\x7e]*"; filename\*=UTF-8''([\w!#$&+\-.^`|~%]*)$/.exec(
          attachmentNamed(name),
        );
        expect(decodeURIComponent(encoded?.[1] ?? 'no match')).toBe(Buffer.from(name).toString());
      }),
    );
  });
});
