import { preferredForm } from './engines-form.js';

describe('preferredForm', () => {
  it.each([
    ['curl', '*/*', 'text'],
    ['a client that says nothing', undefined, 'text'],
    ['a program', 'application/json', 'json'],
    ['axios', 'application/json, text/plain, */*', 'json'],
    ['Firefox', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'html'],
    ['Chrome', 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8', 'html'],
    ['a client with weights', 'text/html;q=0.5, application/json;q=0.9', 'json'],
    ['a client that takes no page', 'text/html;q=0, application/json;q=0.1', 'json'],
    ['a client in capitals', 'TEXT/HTML', 'html'],
    ['a client that wants something else', 'image/png', 'text'],
    ['a header that is none', ';;;,q=,,', 'text'],
    ['a weight that is none', 'text/html;q=much, application/json', 'json'],
    ['a header that is too long', `${'image/png,'.repeat(5_000)}text/html`, 'text'],
  ])('serves %s', (_, accept, form) => {
    expect(preferredForm(accept)).toBe(form);
  });
});
