import { jest } from '@jest/globals';
import { partsInTime } from './parts-in-time.js';
import type { SubmissionPart } from './submission-part.js';

const field: SubmissionPart = { type: 'field', name: 'title', value: 'x' };
const never = new Promise<never>(() => undefined);

async function takeAll(parts: AsyncIterable<SubmissionPart>): Promise<number> {
  let count = 0;
  for await (const part of parts) count += part === field ? 1 : 0;
  return count;
}

describe('partsInTime', () => {
  it('passes on what comes in time', async () => {
    async function* parts() {
      yield await Promise.resolve(field);
      yield field;
    }
    await expect(takeAll(partsInTime(parts(), 10_000))).resolves.toBe(2);
  });

  it('refuses a client that opens a submission and sends nothing', async () => {
    async function* parts() {
      yield await never;
    }
    await expect(takeAll(partsInTime(parts(), 20))).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('refuses a client that drips fields for ever', async () => {
    async function* parts() {
      for (;;) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        yield field;
      }
    }
    await expect(takeAll(partsInTime(parts(), 40))).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('does not count the time that a part is worked on', async () => {
    async function* parts() {
      yield await Promise.resolve(field);
      yield field;
    }
    jest.useFakeTimers();
    try {
      let taken = 0;
      for await (const part of partsInTime(parts(), 100)) {
        taken += part === field ? 1 : 0;
        jest.advanceTimersByTime(200);
      }
      expect(taken).toBe(2);
    } finally {
      jest.useRealTimers();
    }
  });
});
