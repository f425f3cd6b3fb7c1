import { createHash } from 'node:crypto';

/** Numbers that look random and follow from the seed alone. */
export class Random {
  private drawn = 0;

  constructor(private readonly seed: number) {}

  /** From 0 up to 1. */
  next(): number {
    this.drawn += 1;
    return createHash('sha256').update(`${this.seed}:${this.drawn}`).digest().readUInt32BE() / 2 ** 32;
  }

  /** A whole number, both bounds included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  pick<T>(values: readonly T[]): T {
    const value = values[this.between(0, values.length - 1)];
    if (value === undefined) throw new Error('There is nothing to pick from.');
    return value;
  }

  shuffled<T>(values: readonly T[]): T[] {
    return values
      .map((value) => ({ value, place: this.next() }))
      .toSorted((a, b) => a.place - b.place)
      .map(({ value }) => value);
  }
}
