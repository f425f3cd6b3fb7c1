/** One line of a chart. */
export interface Curve {
  readonly name: string;
  /** In the order of `x`; both above 0. */
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface CurvesOptions {
  readonly title: string;
  readonly xName: string;
  readonly yName: string;
  /** Drawn in grey: what proportion would be. */
  readonly ideal: Curve;
  readonly curves: readonly Curve[];
}

const PLOT_PX = 360;
const LEFT_PX = 70;
const TOP_PX = 50;
const BOTTOM_PX = 50;
const LEGEND_PX = 300;
const LEGEND_ROW_PX = 20;
const COLOURS = ['#1a6e3c', '#b3261e', '#1f4e9c', '#8a5a00', '#6a1b9a', '#00707a', '#c2185b', '#455a64'];
const DASHES = ['', '6 3', '2 3'];

/** Curves on two logarithmic axes as an SVG picture: what grows in proportion is a straight line along the grey one. */
export function curveChart({ title, xName, yName, ideal, curves }: CurvesOptions): string {
  const all = [ideal, ...curves].flatMap(({ points }) => points);
  const x = logarithmic(
    all.map((point) => point.x),
    LEFT_PX,
    LEFT_PX + PLOT_PX,
  );
  const y = logarithmic(
    all.map((point) => point.y),
    TOP_PX + PLOT_PX,
    TOP_PX,
  );
  const path = ({ points }: Curve) => points.map((point) => `${x(point.x)},${y(point.y)}`).join(' ');
  const height = TOP_PX + PLOT_PX + BOTTOM_PX;
  const width = LEFT_PX + PLOT_PX + LEGEND_PX;
  const bottom = TOP_PX + PLOT_PX;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`,
    ' font-family="system-ui, sans-serif" font-size="13">',
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="12" y="22" font-weight="600">${title}</text>`,
    `<path d="M${LEFT_PX} ${TOP_PX} V${bottom} H${LEFT_PX + PLOT_PX}" fill="none" stroke="#333333"/>`,
    ...ideal.points.map((point) => tick(x(point.x), bottom + 18, 'middle', point.x)),
    ...ideal.points.map((point) => tick(LEFT_PX - 8, y(point.y) + 4, 'end', point.y)),
    `<text x="${LEFT_PX + PLOT_PX / 2}" y="${height - 12}" text-anchor="middle">${xName}</text>`,
    `<text transform="translate(18 ${TOP_PX + PLOT_PX / 2}) rotate(-90)" text-anchor="middle">${yName}</text>`,
    `<polyline points="${path(ideal)}" fill="none" stroke="#999999" stroke-width="5" stroke-opacity="0.5"/>`,
    legend(-1, ideal.name, '#999999', ''),
    ...curves.flatMap((curve, index) => {
      const colour = COLOURS[index % COLOURS.length] ?? '';
      const dash = DASHES[Math.floor(index / COLOURS.length) % DASHES.length] ?? '';
      const stroke = `stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"`;
      return [
        `<polyline points="${path(curve)}" fill="none" ${stroke}/>`,
        ...curve.points.map((point) => `<circle cx="${x(point.x)}" cy="${y(point.y)}" r="3" fill="${colour}"/>`),
        legend(index, curve.name, colour, dash),
      ];
    }),
    '</svg>\n',
  ].join('\n');
}

/** Maps values to pixels so that equal ratios are equal distances. */
function logarithmic(values: readonly number[], from: number, to: number): (value: number) => number {
  const low = Math.log(Math.min(...values));
  const high = Math.log(Math.max(...values));
  return (value) => Math.round((from + ((Math.log(value) - low) / (high - low)) * (to - from)) * 10) / 10;
}

function tick(x: number, y: number, anchor: string, value: number): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${value}</text>`;
}

function legend(index: number, name: string, colour: string, dash: string): string {
  const x = LEFT_PX + PLOT_PX + 24;
  const y = TOP_PX + (index + 1) * LEGEND_ROW_PX;
  return [
    `<path d="M${x} ${y} h28" stroke="${colour}" stroke-width="3" stroke-dasharray="${dash}"/>`,
    `<text x="${x + 36}" y="${y + 4}">${name}</text>`,
  ].join('\n');
}
