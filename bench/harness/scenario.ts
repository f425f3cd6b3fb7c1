/** What one run gave, by name; the unit stands in the name, such as `CPU s` or `p99 ms`. */
export type Figures = Readonly<Record<string, number>>;

/** One run of one side. */
export interface Run {
  /** 0 warms up; what it gives is thrown away. */
  readonly round: number;
  /** How many times the scenario's unit of work. */
  readonly work: number;
}

/** A scenario that is ready to run: its servers are up, its input is made. */
export interface Stage {
  mesh(run: Run): Promise<Figures>;
  /** The bare thing that the mesh is held against; absent where a figure stands for itself. */
  bare?(run: Run): Promise<Figures>;
  close(): Promise<void>;
}

/** What a figure should come to. */
export interface Goal {
  /** A figure of both sides, or of the mesh alone where it is absolute. */
  readonly figure: string;
  /**
   * - `ratio`: mesh over bare, of the same round
   * - `difference`: mesh less bare, of the same round
   * - `absolute`: the mesh's own figure
   */
  readonly as: 'ratio' | 'difference' | 'absolute';
  /** undefined prints the figure without judging it. */
  readonly wanted?: { readonly is: 'at most' | 'at least'; readonly value: number };
}

export interface Scenario {
  /** As it is chosen on the command line. */
  readonly name: string;
  /** What is measured, in a line. */
  readonly title: string;
  /** What it is held against, in a line. */
  readonly against: string;
  readonly goals: readonly Goal[];
  /** Which figure of the mesh tells how the work grows; absent where more work makes no sense. */
  readonly growth?: string;
  /** How much work a run does, for people, such as `60 min of mp3`. */
  amount(quick: boolean): string;
  open(quick: boolean): Promise<Stage>;
}
