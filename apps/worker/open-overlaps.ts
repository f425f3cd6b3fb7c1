import { toDelta } from '#contracts';
import type { Attempt } from './attempt.js';
import { openSpans, SpanJoints } from './span-joints.js';

/**
 * Takes up the overlaps that earlier attempts have left open. What those told of such spans may be more than they wrote
 * down, so it is taken back and told anew.
 *
 * @param stride from the index of a span to that of the next one of its channel
 */
export async function tellOpenSpans(
  { spans, ledger, events }: Pick<Attempt, 'spans' | 'ledger' | 'events'>,
  stride: number,
): Promise<SpanJoints> {
  const joints = new SpanJoints(stride, await openSpans(spans, stride, (indexes) => ledger.segmentsOf(indexes)));
  for (const { index, segments } of joints.told()) {
    await events.add({ type: 'void', data: { span: index } });
    for (const segment of segments) await events.add(toDelta(segment));
  }
  return joints;
}
