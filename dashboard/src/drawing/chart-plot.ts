/**
 * One chart of uPlot: made anew when its form changes, and fed when its numbers do. It knows nothing of React, and
 * nothing of the network.
 */
import uPlot from "uplot";
import { axisFont, axisWidth, linearRange, logRange, tickText } from "./chart-axes.ts";
import { type ChartColors, chartColors } from "./chart-colors.ts";
import { type ChartSeries, type Columns, columnsOf } from "./chart-data.ts";
import { type ChartMark, drawMarks, markRoomPx } from "./chart-marks.ts";
import { legibleOn, withAlpha } from "./legible-color.ts";
import { formatTimeTick, timeStepsMs } from "./quantities.ts";

/** What is drawn. */
export interface ChartContent {
  readonly unit: string;
  /** Ascending. */
  readonly x: readonly number[];
  /** Default: `ms`. */
  readonly xUnit?: string;
  readonly series: readonly ChartSeries[];
  readonly xLabel?: string;
  readonly yLabel?: string;
  readonly logX?: boolean;
  readonly logY?: boolean;
  readonly bars?: boolean;
  readonly stacked?: boolean;
  readonly height?: number;
  /** Charts with the same key share their crosshair. */
  readonly syncKey?: string;
  /** A moment that is marked through the whole height: where the page is in time. */
  readonly cursorAt?: number;
  readonly marks?: readonly ChartMark[];
  /** Where it ends though nothing lies there. */
  readonly xRange?: readonly [from: number, to: number];
}

export interface ChartListener {
  /** The value under the crosshair, or undefined where there is none. */
  onCrosshair(index: number | undefined): void;
  /** Somebody pointed at a moment and meant it. */
  onPick(x: number): void;
}

const defaultHeightPx = 180;
const wholeSteps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 100_000];
/** Between a press and a release that are no drag. */
const clickSlackPx = 4;

export class ChartPlot {
  readonly #host: HTMLElement;
  readonly #listener: ChartListener;
  readonly #now: HTMLDivElement;
  readonly #resizes: ResizeObserver;
  #plot: uPlot | undefined;
  #form = "";
  #content: ChartContent | undefined;
  #columns: Columns = { columns: [], shaded: [] };
  #colors: ChartColors = chartColors.dark;
  #drawn:
    | { x: readonly number[]; series: readonly ChartSeries[]; marks: readonly ChartMark[] | undefined }
    | undefined;
  /** Somebody has chosen a part of the x axis: it stays although numbers come in. */
  #isZoomed = false;

  constructor(host: HTMLElement, nowClass: string, listener: ChartListener) {
    this.#host = host;
    this.#listener = listener;
    this.#now = document.createElement("div");
    this.#now.className = nowClass;
    this.#resizes = new ResizeObserver(() => this.#fit());
    this.#resizes.observe(host);
  }

  destroy(): void {
    this.#resizes.disconnect();
    this.#plot?.destroy();
    this.#plot = undefined;
  }

  /** Draws it. Cheap where nothing has changed since the last time. */
  update(content: ChartContent, colors: ChartColors, hidden: ReadonlySet<string>): void {
    const form = formOf(content, colors, hidden);
    const before = this.#drawn;
    const isSame =
      before !== undefined &&
      before.x === content.x &&
      before.marks === content.marks &&
      before.series.length === content.series.length &&
      before.series.every(({ values, band }, i) => {
        const next = content.series[i]!;
        return values === next.values && band?.[0] === next.band?.[0] && band?.[1] === next.band?.[1];
      });
    this.#content = content;
    this.#drawn = { x: content.x, series: content.series, marks: content.marks };
    if (form !== this.#form || this.#plot === undefined) {
      this.#form = form;
      this.#colors = colors;
      this.#columns = columnsOf(content.series, content.stacked === true, hidden);
      this.#create(content, hidden);
    } else if (!isSame) {
      this.#columns = columnsOf(content.series, content.stacked === true, hidden);
      this.#plot.setData(this.#data(content), !this.#isZoomed);
      if (this.#isZoomed) this.#plot.redraw();
    }
    this.#fit();
    this.#placeNow();
  }

  /** Moves the crosshair to that value; undefined takes it away. */
  pointAt(index: number | undefined): void {
    const plot = this.#plot;
    if (plot === undefined) return;
    const at = index === undefined ? undefined : this.#content?.x[index];
    const left = at === undefined ? -10 : plot.valToPos(at, "x");
    setSharedCursor(plot, { left, top: at === undefined ? -10 : 0 });
  }

  #create(content: ChartContent, hidden: ReadonlySet<string>): void {
    this.#plot?.destroy();
    this.#isZoomed = false;
    this.#plot = new uPlot(this.#optionsOf(content, hidden), this.#data(content), this.#host);
    this.#plot.over.append(this.#now);
  }

  #data(content: ChartContent): uPlot.AlignedData {
    const { columns } = this.#columns;
    // A logarithm has no place for nothing.
    const positive = (values: readonly (number | null)[]) =>
      values.map((value) => (value !== null && value > 0 ? value : null));
    return [
      content.x,
      ...columns.map(({ values }) => (content.logY ? positive(values) : values)),
    ] as uPlot.AlignedData;
  }

  #fit(): void {
    const plot = this.#plot;
    const width = Math.floor(this.#host.clientWidth);
    const height = this.#content?.height ?? defaultHeightPx;
    if (plot === undefined || width === 0 || (plot.width === width && plot.height === height)) return;
    plot.setSize({ width, height });
  }

  #placeNow(): void {
    const plot = this.#plot;
    const at = this.#content?.cursorAt;
    const left = plot === undefined || at === undefined ? Number.NaN : plot.valToPos(at, "x");
    const isShown = left >= 0 && left <= (plot?.over.clientWidth ?? 0);
    this.#now.hidden = !isShown;
    if (isShown) this.#now.style.transform = `translateX(${Math.round(left)}px)`;
  }

  // ---- What uPlot is told ----

  #optionsOf(content: ChartContent, hidden: ReadonlySet<string>): uPlot.Options {
    const { bars = false, logX = false, logY = false } = content;
    const { text, grid } = this.#colors;
    const lines = { stroke: grid, width: 1 };
    return {
      width: Math.max(1, Math.floor(this.#host.clientWidth)),
      height: content.height ?? defaultHeightPx,
      legend: { show: false },
      padding: [() => (this.#content?.marks?.length ? markRoomPx : 10), 22, 0, 0],
      scales: {
        x: { time: false, distr: logX ? 3 : 1, range: (_, min, max) => this.#xRange(min, max, bars) },
        y: {
          distr: logY ? 3 : 1,
          range: logY ? (_, min, max) => logRange(min, max) : (_, min, max) => linearRange(min, max),
        },
      },
      axes: [
        {
          stroke: text,
          font: axisFont,
          grid: lines,
          ticks: { show: false },
          gap: 4,
          size: content.xLabel === undefined ? 24 : 22,
          ...(content.xLabel === undefined
            ? {}
            : { label: content.xLabel, labelSize: 16, labelFont: axisFont, labelGap: 0 }),
          ...this.#xTicks(content),
        },
        {
          stroke: text,
          font: axisFont,
          grid: lines,
          ticks: { show: false },
          gap: 6,
          space: 28,
          size: (plot, values) => axisWidth(plot, values),
          values: (_, splits) => splits.map((value) => tickText(value, content.unit)),
          ...(content.yLabel === undefined
            ? {}
            : { label: content.yLabel, labelSize: 16, labelFont: axisFont, labelGap: 0 }),
        },
      ],
      series: [{}, ...this.#seriesOf(content, hidden)],
      bands: this.#columns.shaded.map(([high, low]) => ({
        series: [high + 1, low + 1],
        fill: withAlpha(
          this.#colorOf(content.series[this.#columns.columns[high]!.series]!),
          content.stacked ? 0.35 : 0.16,
        ),
      })),
      cursor: {
        y: false,
        points: { show: !bars, size: 6 },
        drag: { x: true, y: false, dist: clickSlackPx },
        ...(content.syncKey === undefined ? {} : { sync: { key: content.syncKey, scales: ["x", null] } }),
      },
      hooks: {
        setCursor: [(plot) => this.#listener.onCrosshair(plot.cursor.idx ?? undefined)],
        setSelect: [(plot) => this.#onSelect(plot)],
        draw: [(plot) => drawMarks(plot, this.#content?.marks ?? [], this.#colors)],
        drawClear: [() => queueMicrotask(() => this.#placeNow())],
        ready: [(plot) => this.#listen(plot)],
      },
    };
  }

  #seriesOf(content: ChartContent, hidden: ReadonlySet<string>): uPlot.Series[] {
    const bottom = this.#columns.columns.findIndex(
      ({ series }) => !hidden.has(content.series[series]!.label),
    );
    return this.#columns.columns.map(({ series: number, part }, i) => {
      const series = content.series[number]!;
      const color = this.#colorOf(series);
      const show = !hidden.has(series.label);
      if (part !== "line") return { show, points: { show: false }, stroke: color, width: 0 };
      const isPoints = series.shape === "points";
      // A model beside what was counted is no bar.
      const isBars = content.bars === true && series.shape === undefined;
      const fill = isBars
        ? withAlpha(color, 0.75)
        : content.stacked === true && i === bottom
          ? withAlpha(color, 0.35)
          : undefined;
      const paths = isBars
        ? uPlot.paths.bars!({ size: [0.92, 64] })
        : series.shape === "steps"
          ? uPlot.paths.stepped!({ align: 1 })
          : isPoints
            ? () => null
            : uPlot.paths.linear!();
      return {
        label: series.label,
        show,
        stroke: color,
        width: isBars ? 0 : (series.width ?? (isDense(content) ? 1 : 1.5)),
        paths,
        ...(fill === undefined ? {} : { fill }),
        ...(series.dash === undefined ? {} : { dash: [...series.dash] }),
        points: isPoints
          ? { show: true, size: 5, space: 0, fill: color, stroke: color }
          : { show: false, filter: isolatedPoints, size: 4, fill: color, stroke: color },
      };
    });
  }

  #colorOf({ color }: ChartSeries): string {
    return legibleOn(color, this.#colors.background);
  }

  #xTicks(content: ChartContent): uPlot.Axis {
    const unit = content.xUnit ?? "ms";
    if (unit !== "ms" || content.logX === true)
      return {
        space: 60,
        values: (_, splits) => splits.map((value) => tickText(value, unit)),
        // Of what is counted there is no half.
        ...(content.bars === true && content.x.every(Number.isInteger) ? { incrs: [...wholeSteps] } : {}),
      };
    return {
      space: 64,
      incrs: [...timeStepsMs],
      values: (plot, splits, _axis, _space, step) =>
        splits.map((value) => formatTimeTick(value, step, plot.scales["x"]?.max ?? 0)),
    };
  }

  #xRange(min: number | null, max: number | null, bars: boolean): uPlot.Range.MinMax {
    const { xRange, logX } = this.#content ?? {};
    if (this.#isZoomed && min !== null && max !== null) return [min, max];
    if (min === null || max === null) return xRange === undefined ? (logX ? [1, 10] : [0, 1]) : [...xRange];
    const from = xRange === undefined ? min : Math.min(min, xRange[0]);
    const to = xRange === undefined ? max : Math.max(max, xRange[1]);
    if (logX === true) return logRange(from, to);
    const x = this.#content!.x;
    const half = bars ? (x.length > 1 ? (x[1]! - x[0]!) / 2 : 0.5) : 0;
    return from === to && !bars ? [from - 1, to + 1] : [from - half, to + half];
  }

  // ---- What happens on it ----

  #onSelect(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width <= 0) return;
    this.#isZoomed = true;
    plot.setScale("x", { min: plot.posToVal(left, "x"), max: plot.posToVal(left + width, "x") });
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  }

  #listen(plot: uPlot): void {
    let pressedAt = Number.NaN;
    plot.over.addEventListener("mousedown", (event) => {
      pressedAt = event.clientX;
    });
    plot.over.addEventListener("mouseup", (event) => {
      if (Math.abs(event.clientX - pressedAt) > clickSlackPx || event.button !== 0) return;
      const at = plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, "x");
      if (Number.isFinite(at)) this.#listener.onPick(at);
    });
    // uPlot itself shows all of it again.
    plot.over.addEventListener(
      "dblclick",
      () => {
        this.#isZoomed = false;
      },
      { capture: true },
    );
  }
}

/** The third argument, which the types do not have, tells charts of the same key too. */
function setSharedCursor(plot: uPlot, at: { left: number; top: number }): void {
  (plot.setCursor as (at: { left: number; top: number }, fires: boolean, publishes: boolean) => void)(
    at,
    true,
    true,
  );
}

/** A value between two unknown ones has no line to be seen by: it is drawn as a point. */
function isolatedPoints(plot: uPlot, series: number): number[] | null {
  const values = plot.data[series]!;
  const [from, to] = plot.series[series]!.idxs ?? [0, values.length - 1];
  const isolated: number[] = [];
  for (let i = from; i <= to; i++)
    if (values[i] != null && values[i - 1] == null && values[i + 1] == null) isolated.push(i);
  return isolated.length === 0 ? null : isolated;
}

/**
 * Lines of one pixel are drawn three times as fast where no GPU helps: 8 noisy lines of 10,000 points 60 times a
 * second instead of 23.
 */
function isDense({ x }: ChartContent): boolean {
  return x.length > 2000;
}

/** Everything that cannot be changed while a chart stands. */
function formOf(content: ChartContent, colors: ChartColors, hidden: ReadonlySet<string>): string {
  const { unit, xUnit, xLabel, yLabel, logX, logY, bars, stacked, syncKey, series } = content;
  return JSON.stringify([
    [unit, xUnit, xLabel, yLabel, logX, logY, bars, stacked, syncKey, colors.background, isDense(content)],
    series.map(({ label, color, dash, width, shape, band }) => [
      label,
      color,
      dash,
      width,
      shape,
      band !== undefined,
    ]),
    [...hidden],
  ]);
}
