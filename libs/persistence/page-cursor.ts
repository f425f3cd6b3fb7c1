import { PolyscribeError } from '#contracts';

/** Where a page ended: creation time and id of its last row, which together order all rows. */
export interface PagePosition {
  readonly createdAt: Date;
  readonly id: string;
}

export function encodePosition({ createdAt, id }: PagePosition): string {
  return Buffer.from(`${String(createdAt.getTime())}.${id}`).toString('base64url');
}

const shape = /^(\d{1,15})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

/** @throws PolyscribeError `invalid_request` for a cursor that we did not give */
export function decodePosition(cursor: string): PagePosition {
  const [, time, id] = shape.exec(Buffer.from(cursor, 'base64url').toString('latin1')) ?? [];
  const createdAt = new Date(Number(time));
  if (id === undefined || Number.isNaN(createdAt.getTime())) {
    throw new PolyscribeError('invalid_request', 'The cursor is not one that a list gave.', {
      fields: [{ pointer: '/cursor', detail: 'must be next_cursor of the page before' }],
    });
  }
  return { createdAt, id };
}
