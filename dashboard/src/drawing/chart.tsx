/**
 * A chart: lines, a stack of layers, or bars, with the values under the pointer. Arrow keys move the crosshair and
 * read the values aloud, Enter picks the moment, a drag enlarges a part, a double click shows all again.
 *
 *     <Chart title="Messages" unit="/s" x={seconds} series={[{ label: "gossip", values, color }]} summary="…" />
 */
import "uplot/dist/uPlot.min.css";
import { ActionIcon, useComputedColorScheme } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import classes from "./chart.module.css";
import { chartColors } from "./chart-colors.ts";
import { type ChartSeries, toCsv } from "./chart-data.ts";
import { type ChartContent, ChartPlot } from "./chart-plot.ts";
import { downloadText } from "./download.ts";
import { legibleOn } from "./legible-color.ts";
import { formatQuantity } from "./quantities.ts";

export interface ChartProps extends ChartContent {
  readonly title: string;
  /** What a reader who cannot see it should know, with the figures. */
  readonly summary: string;
  /** What is said as long as there is nothing to draw. */
  readonly empty?: string;
  /** Somebody clicked at a place of the x axis, or pressed Enter there. */
  readonly onPick?: (x: number) => void;
}

const pageSize = 10;

export function Chart(props: ChartProps) {
  const {
    title,
    unit,
    x,
    series,
    summary,
    height = 180,
    empty = "Nothing to draw yet",
    xUnit = "ms",
  } = props;
  const scheme = useComputedColorScheme("dark");
  const colors = chartColors[scheme];
  const summaryId = useId();
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<ChartPlot>(undefined);
  const pick = useRef(props.onPick);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [crosshair, setCrosshair] = useState<number>();
  const isEmpty = x.length === 0;
  const shown = crosshair === undefined || crosshair >= x.length ? undefined : crosshair;

  useEffect(() => {
    pick.current = props.onPick;
  });
  useEffect(() => {
    if (isEmpty || host.current === null) return;
    const made = new ChartPlot(host.current, classes["now"]!, {
      onCrosshair: setCrosshair,
      onPick: (at) => pick.current?.(at),
    });
    plot.current = made;
    return () => {
      plot.current = undefined;
      made.destroy();
    };
  }, [isEmpty]);
  // After every drawing of the component: the plot sees by itself what is new.
  useEffect(() => plot.current?.update(props, colors, hidden));

  const onKeyDown = (event: KeyboardEvent) => {
    const from = shown ?? x.length - 1;
    const to = keyMoves[event.key]?.(from, x.length);
    if (to !== undefined) {
      event.preventDefault();
      const index = shown === undefined && event.key.startsWith("Arrow") ? from : to;
      plot.current?.pointAt(Math.max(0, Math.min(x.length - 1, index)));
    } else if (event.key === "Escape") plot.current?.pointAt(undefined);
    else if (event.key === "Enter" && shown !== undefined) props.onPick?.(x[shown]!);
  };

  const toggle = (label: string) => {
    const next = new Set(hidden);
    if (!next.delete(label)) next.add(label);
    setHidden(next);
  };

  const where = shown === undefined ? "" : formatQuantity(x[shown]!, xUnit);
  const spoken =
    shown === undefined
      ? "no value chosen: move with the arrow keys"
      : `${where}: ${series.map((line) => `${line.label} ${valueAt(line, shown, unit)}`).join(", ")}`;

  return (
    <section className={classes["chart"]} aria-label={title}>
      <div className={classes["head"]}>
        <h2 className={classes["title"]}>{title}</h2>
        <span className={classes["at"]}>{where === "" ? unitWord(unit) : `at ${where}`}</span>
        {!isEmpty && (
          <ActionIcon
            variant="subtle"
            color="gray"
            size="sm"
            aria-label={`Download ${title} as CSV`}
            title="Download as CSV"
            onClick={() =>
              downloadText(
                `${title}.csv`,
                toCsv(`${props.xLabel ?? "Time"} (${xUnit})`, x, series),
                "text/csv",
              )
            }
          >
            <IconDownload size={14} />
          </ActionIcon>
        )}
      </div>
      {isEmpty ? (
        <div className={classes["empty"]} style={{ minHeight: height }}>
          {empty}
        </div>
      ) : (
        <div
          ref={host}
          className={classes["plot"]}
          style={{ height }}
          // A slider is what moves along an axis by keys, and says where it is.
          role="slider"
          tabIndex={0}
          aria-label={title}
          aria-roledescription="chart"
          aria-describedby={summaryId}
          aria-valuemin={0}
          aria-valuemax={x.length - 1}
          aria-valuenow={shown ?? x.length - 1}
          aria-valuetext={spoken}
          onKeyDown={onKeyDown}
          onBlur={() => plot.current?.pointAt(undefined)}
        />
      )}
      <p id={summaryId} className={classes["unseen"]}>
        {summary}
      </p>
      {!isEmpty && (series.length > 1 || shown !== undefined || props.bars !== true) && (
        <ul className={classes["legend"]}>
          {series.map((line) => (
            <li key={line.label}>
              <button
                type="button"
                className={classes["entry"]}
                aria-pressed={!hidden.has(line.label)}
                title={hidden.has(line.label) ? "Show" : "Hide"}
                onClick={() => toggle(line.label)}
              >
                <Swatch
                  series={line}
                  isArea={props.stacked === true || (props.bars === true && line.shape === undefined)}
                  background={colors.background}
                />
                {line.label}
                <span className={classes["value"]}>
                  {shown === undefined ? "" : valueAt(line, shown, unit)}
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** The line as it is drawn: told apart by its form too. */
function Swatch({
  series,
  isArea,
  background,
}: {
  series: ChartSeries;
  isArea: boolean;
  background: string;
}) {
  const color = legibleOn(series.color, background);
  return (
    <svg width="16" height="10" aria-hidden="true">
      {isArea ? (
        <rect width="16" height="10" rx="2" fill={color} fillOpacity={0.7} />
      ) : series.shape === "points" ? (
        <circle cx="8" cy="5" r="3" fill={color} />
      ) : (
        <line
          x1="0"
          x2="16"
          y1="5"
          y2="5"
          stroke={color}
          strokeWidth={Math.max(2, series.width ?? 2)}
          strokeDasharray={series.dash?.join(" ")}
        />
      )}
    </svg>
  );
}

const keyMoves: Readonly<Record<string, (from: number, count: number) => number>> = {
  ArrowLeft: (from) => from - 1,
  ArrowRight: (from) => from + 1,
  ArrowDown: (from) => from - 1,
  ArrowUp: (from) => from + 1,
  PageUp: (from) => from + pageSize,
  PageDown: (from) => from - pageSize,
  Home: () => 0,
  End: (_, count) => count - 1,
};

function valueAt({ values, band }: ChartSeries, index: number, unit: string): string {
  const value = values[index];
  if (value === null || value === undefined) return "–";
  const [low, high] = [band?.[0][index], band?.[1][index]];
  const range =
    typeof low === "number" && typeof high === "number"
      ? ` (${formatQuantity(low, unit)} to ${formatQuantity(high, unit)})`
      : "";
  return `${formatQuantity(value, unit)}${range}`;
}

/** These choose a larger unit by themselves, and say it at each value. */
function unitWord(unit: string): string {
  return unit === "ms" || unit === "B" || unit === "B/s" ? "" : unit;
}
