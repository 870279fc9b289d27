import { useMemo } from "react";
import { Chart } from "./chart.tsx";
import { binsOf } from "./chart-data.ts";
import type { ChartMark } from "./chart-marks.ts";
import { formatQuantity } from "./quantities.ts";

export interface HistogramProps {
  readonly title: string;
  readonly values: readonly number[];
  /** Unit of the values. */
  readonly unit: string;
  /** What is counted: `peers`, `deliveries`. */
  readonly counted: string;
  readonly color: string;
  readonly xLabel?: string;
  readonly logY?: boolean;
  readonly marks?: readonly ChartMark[];
  readonly height?: number;
  readonly empty?: string;
}

/** How many values lie where. */
export function Histogram({ title, values, unit, counted, color, ...others }: HistogramProps) {
  const { middles, counts, step } = useMemo(() => binsOf(values), [values]);
  const series = useMemo(() => [{ label: counted, values: counts, color }], [counted, counts, color]);
  const most = counts.length === 0 ? -1 : counts.indexOf(Math.max(...counts));
  const summary =
    most < 0
      ? `${title}: nothing counted`
      : `${title}: ${values.length} ${counted} in steps of ${formatQuantity(step, unit)}, from ${formatQuantity(middles[0]!, unit)} to ${formatQuantity(middles.at(-1)!, unit)}; most, ${counts[most]}, at ${formatQuantity(middles[most]!, unit)}`;
  return (
    <Chart
      title={title}
      unit={counted}
      x={middles}
      xUnit={unit}
      series={series}
      bars
      summary={summary}
      {...others}
    />
  );
}
