import { Webhook } from 'standardwebhooks';
import { signedHead, verifySignature } from './webhook-signature.js';

const secret = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;
const other = `whsec_${Buffer.alloc(24, 4).toString('base64')}`;
const now = new Date(1_769_860_800_000);
const body = Buffer.from('{"type":"transcription.started"}');

function headers(id = 'msg_1', at = now, key = secret): Record<string, string> {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(key).sign(id, at, body.toString()),
  };
}

describe('signatures of messages', () => {
  it('are those of the library of the standard, by any of the secrets', () => {
    const head = signedHead(headers(), now.getTime());
    verifySignature(head, body, [other, secret]);
    const both = { ...headers(), 'webhook-signature': `v1a,x v1,AAAA ${headers()['webhook-signature'] ?? ''}` };
    verifySignature(signedHead(both, now.getTime()), body, [secret]);
    expect(head).toMatchObject({ id: 'msg_1' });
  });

  it.each([
    ['another body', Buffer.from('{}'), [secret]],
    ['another secret', body, [other]],
    ['no secret at all', body, []],
  ])('are refused for %s', (_title, signed, secrets) => {
    const head = signedHead(headers(), now.getTime());
    expect(() => verifySignature(head, signed, secrets)).toThrow('cannot be trusted');
  });

  it.each([
    ['is missing', { ...headers(), 'webhook-signature': '' }],
    ['has a point in it', headers('msg.1')],
    ['must be Unix seconds', { ...headers(), 'webhook-timestamp': '1e9' }],
    ['from our time', headers('msg_1', new Date(now.getTime() - 301_000))],
    ['from our time', headers('msg_1', new Date(now.getTime() + 301_000))],
  ])('are refused where a header %s', (why, given) => {
    expect(() => signedHead(given, now.getTime())).toThrow(why);
  });
});
