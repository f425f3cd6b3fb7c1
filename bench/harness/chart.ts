import type { GoalOutcome, Outcome } from './measure.js';

const ROW_PX = 26;
const LABEL_PX = 300;
const PLOT_PX = 420;
const HEAD_PX = 44;

interface Row {
  readonly label: string;
  readonly goal: GoalOutcome;
}

/**
 * The ratios of a run as an SVG picture: a dot for the median, a line for the rounds' range, a mark for the goal, on a
 * logarithmic axis on which the bare thing is 1.
 */
export function ratioChart(outcomes: readonly Outcome[]): string {
  const rows: Row[] = outcomes.flatMap(({ name, goals }) =>
    goals.filter(({ as }) => as === 'ratio').map((goal) => ({ label: `${name}: ${goal.figure}`, goal })),
  );
  const values = rows.flatMap(({ goal }) => [goal.value.low, goal.value.high, goal.wanted?.value ?? 1]).concat(0.5, 2);
  const low = Math.log(Math.min(...values.filter((value) => value > 0)));
  const high = Math.log(Math.max(...values));
  const x = (value: number) => LABEL_PX + ((Math.log(value) - low) / (high - low)) * PLOT_PX;
  const height = HEAD_PX + rows.length * ROW_PX + 16;
  const width = LABEL_PX + PLOT_PX + 40;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`,
    ' font-family="system-ui, sans-serif" font-size="13">',
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="12" y="22" font-weight="600">Mesh over bare: median and range of the rounds, goal in orange</text>`,
    `<line x1="${x(1)}" x2="${x(1)}" y1="${HEAD_PX - 8}" y2="${height - 8}" stroke="#999999"/>`,
    ...rows.map((row, index) => rowMarks(row, HEAD_PX + index * ROW_PX + ROW_PX / 2, x)),
    '</svg>\n',
  ].join('\n');
}

function rowMarks({ label, goal }: Row, y: number, x: (value: number) => number): string {
  const { value, wanted, reached } = goal;
  const colour = reached === false ? '#b3261e' : '#1a6e3c';
  const marks = [
    `<text x="12" y="${y + 4}">${label}</text>`,
    `<line x1="${x(value.low)}" x2="${x(value.high)}" y1="${y}" y2="${y}" stroke="${colour}" stroke-width="3"/>`,
    `<circle cx="${x(value.median)}" cy="${y}" r="5" fill="${colour}"/>`,
  ];
  if (wanted) {
    const at = x(wanted.value);
    marks.push(`<line x1="${at}" x2="${at}" y1="${y - 9}" y2="${y + 9}" stroke="#e07b00" stroke-width="2"/>`);
  }
  return marks.join('\n');
}
