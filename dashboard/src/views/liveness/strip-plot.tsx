/** Detection times on one axis, a lane for each stage: dots, and what theory promises as a bar behind them. */
import { useComputedColorScheme } from "@mantine/core";
import { legibleOn } from "../../drawing/legible-color.ts";
import { palette } from "../../drawing/palette.ts";
import { formatTime, formatTimeTick, timeStepsMs } from "../../drawing/quantities.ts";
import { useWidth } from "../../drawing/use-width.ts";
import type { Range } from "./detection-theory.ts";
import classes from "./liveness.module.css";
import { percentilesOf } from "./liveness-figures.ts";

export interface Lane {
  readonly key: string;
  readonly name: string;
  readonly color: string;
  /** The first of each failure: filled. */
  readonly first: readonly number[];
  /** Everybody's: hollow. */
  readonly all: readonly number[];
  readonly range: Range | undefined;
}

const laneHeight = 40;
const axisHeight = 20;
const left = 4;
const right = 16;
/** More dots say no more than these. */
const maxDots = 600;

export function StripPlot({ lanes }: { lanes: readonly Lane[] }) {
  const scheme = useComputedColorScheme("dark");
  const background = scheme === "dark" ? "#242424" : "#ffffff";
  const [host, width] = useWidth<HTMLDivElement>(600);
  const last = Math.max(1000, ...lanes.flatMap(({ all, range }) => [...all, range?.to ?? 0])) * 1.04;
  const x = (ms: number) => left + (ms / last) * (width - left - right);
  const step = timeStepsMs.find((ms) => x(ms) - x(0) >= 70) ?? last;
  const ticks = Array.from({ length: Math.floor(last / step) + 1 }, (_, i) => i * step);
  const height = lanes.length * laneHeight + axisHeight;
  const told = lanes
    .map(({ name, first, range }) => {
      const figures = percentilesOf(first);
      const expected =
        range === undefined ? "" : `, theory ${formatTime(range.from)} to ${formatTime(range.to)}`;
      return `${name}: ${figures === undefined ? "nobody" : `first after ${formatTime(figures.p50)} in the median`}${expected}`;
    })
    .join(". ");
  return (
    <div ref={host} className={classes["strip"]}>
      <svg width={width} height={height} role="img" aria-label={`Time from failure to detection. ${told}`}>
        {ticks.map((at) => (
          <g key={at}>
            <line x1={x(at)} x2={x(at)} y1={0} y2={height - axisHeight} className={classes["grid"]} />
            <text
              x={x(at)}
              y={height - 5}
              textAnchor={at === 0 ? "start" : "middle"}
              className={classes["tick"]}
            >
              {formatTimeTick(at, step, last)}
            </text>
          </g>
        ))}
        {lanes.map((lane, i) => (
          <g key={lane.key} transform={`translate(0 ${i * laneHeight})`}>
            {lane.range !== undefined && (
              <rect
                x={x(lane.range.from)}
                width={Math.max(2, x(lane.range.to) - x(lane.range.from))}
                y={16}
                height={20}
                rx={3}
                fill={legibleOn(palette.theory, background)}
                fillOpacity={0.22}
                stroke={legibleOn(palette.theory, background)}
                strokeDasharray="4 3"
              />
            )}
            <text x={left} y={12} className={classes["lane"]}>
              {lane.name}
            </text>
            <Dots lane={lane} x={x} color={legibleOn(lane.color, background)} />
          </g>
        ))}
      </svg>
    </div>
  );
}

function Dots({ lane, x, color }: { lane: Lane; x: (ms: number) => number; color: string }) {
  const thinned = (values: readonly number[]) => {
    const every = Math.max(1, Math.ceil(values.length / maxDots));
    return values.filter((_, i) => i % every === 0);
  };
  // Side by side in height, so that equal times do not hide each other.
  const y = (i: number) => 26 + ((i * 7) % 15) - 7;
  return (
    <>
      {thinned(lane.all).map((ms, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: dots have no other name, and none of their own to keep
        <circle key={`a${i}`} cx={x(ms)} cy={y(i)} r={2.5} fill="none" stroke={color} strokeOpacity={0.75} />
      ))}
      {thinned(lane.first).map((ms, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: as above
        <circle key={`f${i}`} cx={x(ms)} cy={y(i)} r={3.5} fill={color} />
      ))}
    </>
  );
}
