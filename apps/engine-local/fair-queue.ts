/**
 * Work of several callers for few hands: each caller's items stay in order, callers take turns, and urgent items (short
 * ones that make more work known) go before all others.
 */
export class FairQueue<T> {
  private readonly urgent: T[] = [];
  private readonly lanes = new Map<string, T[]>();

  get size(): number {
    let size = this.urgent.length;
    for (const lane of this.lanes.values()) size += lane.length;
    return size;
  }

  push(caller: string, item: T, urgent: boolean): void {
    if (urgent) {
      this.urgent.push(item);
      return;
    }
    const lane = this.lanes.get(caller);
    if (lane) lane.push(item);
    else this.lanes.set(caller, [item]);
  }

  /** Puts an item before all others: it was taken and could not be finished. */
  pushBack(item: T): void {
    this.urgent.unshift(item);
  }

  take(): T | undefined {
    const urgent = this.urgent.shift();
    if (urgent !== undefined) return urgent;
    // A Map keeps the order of insertion: the caller served goes to the end.
    const [next] = this.lanes;
    if (!next) return undefined;
    const [caller, lane] = next;
    const item = lane.shift();
    this.lanes.delete(caller);
    if (lane.length > 0) this.lanes.set(caller, lane);
    return item;
  }

  /** Takes an item out; false when it is not here any more. */
  remove(item: T): boolean {
    if (removeFrom(this.urgent, item)) return true;
    for (const [caller, lane] of this.lanes) {
      if (!removeFrom(lane, item)) continue;
      if (lane.length === 0) this.lanes.delete(caller);
      return true;
    }
    return false;
  }

  /** Takes everything out. */
  drain(): T[] {
    const all = [...this.urgent.splice(0), ...[...this.lanes.values()].flat()];
    this.lanes.clear();
    return all;
  }
}

function removeFrom<T>(items: T[], item: T): boolean {
  const index = items.indexOf(item);
  if (index === -1) return false;
  items.splice(index, 1);
  return true;
}
