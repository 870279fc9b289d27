/** Where the axes of a chart begin and end, and what stands beside them. */
import uPlot from "uplot";
import { formatQuantity } from "./quantities.ts";

export const axisFont = "11px system-ui, sans-serif";

/** Units that are not part of the number are said once, beside the title. */
export function tickText(value: number | null, unit: string): string {
  if (value === null) return "";
  return formatQuantity(value, /^(ms|B|B\/s|%)$/.test(unit) ? unit : "");
}

/** From nothing, or from what is less, to a little more than what there is. */
export function linearRange(min: number | null, max: number | null): uPlot.Range.MinMax {
  if (min === null || max === null || (min === 0 && max === 0)) return [0, 1];
  const [low, high] = uPlot.rangeNum(Math.min(0, min), Math.max(0, max), 0.1, true);
  return [min >= 0 ? 0 : low, max <= 0 ? 0 : high];
}

/** Whole decades: at least one. */
export function logRange(min: number | null, max: number | null): uPlot.Range.MinMax {
  if (min === null || max === null || !(min > 0)) return [1, 10];
  const low = 10 ** Math.floor(Math.log10(min));
  const high = 10 ** Math.ceil(Math.log10(max));
  return [low, high > low ? high : low * 10];
}

export function axisWidth(plot: uPlot, values: readonly string[] | null): number {
  plot.ctx.font = axisFont;
  const widest = Math.max(0, ...(values ?? []).map((value) => plot.ctx.measureText(value ?? "").width));
  return Math.ceil(Math.max(30, widest + 14));
}
