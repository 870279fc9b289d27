/** Moments that a chart marks. */
import uPlot from "uplot";
import type { ChartColors } from "./chart-colors.ts";
import { legibleOn } from "./legible-color.ts";

export interface ChartMark {
  readonly at: number;
  readonly label: string;
  readonly color?: string;
}

/** Above the drawing, for the names of marks: on it they would hide what is drawn. */
export const markRoomPx = 17;

/** Lines through the whole height, named above it where there is room. */
export function drawMarks(plot: uPlot, marks: readonly ChartMark[], colors: ChartColors): void {
  const { ctx, bbox } = plot;
  const ratio = uPlot.pxRatio;
  ctx.save();
  ctx.font = `${10 * ratio}px system-ui, sans-serif`;
  ctx.textBaseline = "top";
  ctx.textAlign = "left";
  ctx.lineWidth = ratio;
  ctx.setLineDash([2 * ratio, 3 * ratio]);
  let freeFrom = bbox.left;
  let lineAt = Number.NEGATIVE_INFINITY;
  for (const { at, label, color } of marks) {
    const left = plot.valToPos(at, "x", true);
    if (left < bbox.left || left > bbox.left + bbox.width) continue;
    const ink = color === undefined ? colors.text : legibleOn(color, colors.background);
    // Thousands of marks at one place are one line.
    if (left - lineAt >= ratio) {
      lineAt = left;
      ctx.strokeStyle = ink;
      ctx.beginPath();
      ctx.moveTo(left, bbox.top - (markRoomPx - 3) * ratio);
      ctx.lineTo(left, bbox.top + bbox.height);
      ctx.stroke();
    }
    const width = ctx.measureText(label).width;
    const textAt = left + 4 * ratio;
    if (textAt < freeFrom || textAt + width > ctx.canvas.width) continue;
    ctx.fillStyle = colors.text;
    ctx.fillText(label, textAt, bbox.top - (markRoomPx - 3) * ratio);
    freeFrom = textAt + width + 6 * ratio;
  }
  ctx.restore();
}
