/** Measurements on a chart: a point for each mean, a whisker for its interval. */
import { Moments, type MomentsState } from "../../core/index.ts";
import type { Series } from "../simulate/charts.ts";

/** One for each place of the chart; undefined where nothing was measured, no whisker where it was only once. */
export function measuredSeries(
  look: Pick<Series, "label" | "color">,
  measured: readonly (MomentsState | undefined)[],
): Series {
  const intervals = measured.map((state) =>
    state === undefined || state.count < 2 ? undefined : Moments.from(state).confidenceInterval(),
  );
  return {
    ...look,
    style: "points",
    values: measured.map((state) => (state === undefined || state.count === 0 ? null : state.mean)),
    interval: {
      low: intervals.map((interval) => interval?.low ?? null),
      high: intervals.map((interval) => interval?.high ?? null),
    },
  };
}
