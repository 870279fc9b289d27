/** What a chart draws, as columns: series with their bands, stacked or not; and as a table for others. */

export type Values = readonly (number | null)[];

export interface ChartSeries {
  readonly label: string;
  /** One for each x; null where nothing is known. */
  readonly values: Values;
  /** `#rrggbb`; it is made legible on the background. */
  readonly color: string;
  readonly dash?: readonly number[];
  readonly width?: number;
  /** A line from point to point, a staircase, or points alone. Default: a line, or bars where the chart has them. */
  readonly shape?: "line" | "steps" | "points";
  /** Shaded from the lower to the higher values. */
  readonly band?: readonly [low: Values, high: Values];
}

export interface Column {
  readonly values: Values;
  /** Number of its series. */
  readonly series: number;
  readonly part: "line" | "low" | "high";
}

export interface Columns {
  readonly columns: readonly Column[];
  /** Numbers of the columns that something is shaded between, the higher first. */
  readonly shaded: readonly (readonly [high: number, low: number])[];
}

/** Hidden series take no part in a stack: what lies above them comes down. */
export function columnsOf(
  series: readonly ChartSeries[],
  isStacked: boolean,
  hidden: ReadonlySet<string>,
): Columns {
  if (isStacked) return stackedColumns(series, hidden);
  const columns: Column[] = [];
  const shaded: [number, number][] = [];
  series.forEach(({ values, band }, i) => {
    if (band !== undefined) {
      shaded.push([columns.length + 1, columns.length]);
      columns.push({ values: band[0], series: i, part: "low" }, { values: band[1], series: i, part: "high" });
    }
    columns.push({ values, series: i, part: "line" });
  });
  return { columns, shaded };
}

function stackedColumns(series: readonly ChartSeries[], hidden: ReadonlySet<string>): Columns {
  const columns: Column[] = [];
  const shaded: [number, number][] = [];
  let below: Values | undefined;
  let belowAt = -1;
  series.forEach(({ label, values }, i) => {
    if (hidden.has(label)) {
      columns.push({ values, series: i, part: "line" });
      return;
    }
    const sums: Values = below === undefined ? values : values.map((value, at) => addTo(below![at]!, value));
    if (belowAt >= 0) shaded.push([columns.length, belowAt]);
    belowAt = columns.length;
    below = sums;
    columns.push({ values: sums, series: i, part: "line" });
  });
  return { columns, shaded };
}

/** Where one layer of a stack knows nothing, the others still stand. */
function addTo(below: number | null, value: number | null): number | null {
  return value === null ? below : (below ?? 0) + value;
}

/** As comma-separated values, bands as columns of their own. */
export function toCsv(xName: string, x: readonly number[], series: readonly ChartSeries[]): string {
  const columns: { readonly name: string; readonly values: Values }[] = series.flatMap(
    ({ label, values, band }) => [
      { name: label, values },
      ...(band === undefined
        ? []
        : [
            { name: `${label} (low)`, values: band[0] },
            { name: `${label} (high)`, values: band[1] },
          ]),
    ],
  );
  const lines = [[xName, ...columns.map(({ name }) => name)].map(quoted).join(",")];
  x.forEach((at, i) => {
    lines.push([at, ...columns.map(({ values }) => values[i] ?? "")].join(","));
  });
  return `${lines.join("\n")}\n`;
}

function quoted(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export interface Bins {
  /** The middle of each bin, `step` apart. */
  readonly middles: readonly number[];
  readonly counts: readonly number[];
  readonly step: number;
}

const mostBins = 40;

/** How many values lie where: one bin for each whole number if they are few, else steps of 1, 2 or 5. */
export function binsOf(values: readonly number[]): Bins {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let isWhole = true;
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
    if (!Number.isInteger(value)) isWhole = false;
  }
  if (values.length === 0) return { middles: [], counts: [], step: 1 };
  const step = isWhole && max - min < mostBins ? 1 : niceStep((max - min) / (mostBins - 2) || 1);
  const isSingle = isWhole && step === 1;
  // Whole numbers stand in the middle of their bin, others between its edges.
  const first = isSingle ? min : Math.floor(min / step);
  const count = (isSingle ? max : Math.floor(max / step)) - first + 1;
  const counts = new Array<number>(count).fill(0);
  for (const value of values) counts[(isSingle ? value : Math.floor(value / step)) - first]!++;
  const middles = counts.map((_, i) => (isSingle ? first + i : (first + i + 0.5) * step));
  return { middles, counts, step };
}

function niceStep(least: number): number {
  let size = 1;
  while (size > least) size /= 10;
  while (size * 10 <= least) size *= 10;
  for (const factor of [1, 2, 5]) if (factor * size >= least) return factor * size;
  return size * 10;
}
