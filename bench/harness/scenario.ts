/** What one run gave, by name; the unit stands in the name, such as `CPU s` or `p99 ms`. */
export type Figures = Readonly<Record<string, number>>;

/** One run of one side. */
export interface Run {
  /** 0 warms up; what it gives is thrown away. */
  readonly round: number;
}

/** A scenario that is ready to run: its servers are up, its input is made. */
export interface Stage {
  mesh(run: Run): Promise<Figures>;
  /** The bare thing that the mesh is held against; absent where a figure stands for itself. */
  bare?(run: Run): Promise<Figures>;
  /** The mesh does that many times the unit of the scenario's growth. */
  grow?(times: number): Promise<Figures>;
  close(): Promise<void>;
}

/** What a figure should come to. */
export interface Goal {
  /** A figure of both sides, or of the mesh alone where it is absolute. */
  readonly figure: string;
  /**
   * - `ratio`: mesh over bare, of the same round
   * - `difference`: mesh less bare, of the same round
   * - `absolute`: the mesh's own figure, with the bare one beside it where there is one
   */
  readonly as: 'ratio' | 'difference' | 'absolute';
  /** undefined prints the figure without judging it. */
  readonly wanted?: { readonly is: 'at most' | 'at least'; readonly value: number };
}

/** How a scenario shows that the cost of more work grows no faster than the work. */
export type GrowthPlan =
  | {
      /** Which figure of the mesh is the cost. */
      readonly figure: string;
      /** What is done once, for people, such as `4 min of mp3`. */
      readonly unit: string;
    }
  /** Why more work would say nothing. */
  | { readonly none: string };

/** Seconds that a scenario may take in all, with what it starts and stops, on a quiet machine with two cores. */
export interface Budget {
  readonly quickS: number;
  readonly fullS: number;
}

export interface Scenario {
  /** As it is chosen on the command line. */
  readonly name: string;
  /** What is measured, in a line. */
  readonly title: string;
  /** What it is held against, in a line. */
  readonly against: string;
  readonly goals: readonly Goal[];
  readonly growth: GrowthPlan;
  readonly budget: Budget;
  /** Rounds at most, where one takes too long for as many as the others have. */
  readonly mostRounds?: { readonly quick?: number; readonly full?: number };
  /** How much work a run does, for people, such as `60 min of mp3`. */
  amount(quick: boolean): string;
  open(quick: boolean): Promise<Stage>;
}
