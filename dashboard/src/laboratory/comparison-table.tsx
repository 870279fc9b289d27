/** Figures of two runs at the same moment, and what is between them. */
import { formatNumber, formatTime } from "../drawing/quantities.ts";
import type { Timeline } from "../timeline/timeline.ts";
import { figuresAt, type RunFigures } from "./compare-figures.ts";
import classes from "./laboratory.module.css";

type Format = (value: number) => string;
const plain: Format = (value) => formatNumber(value);
const share: Format = (value) => `${formatNumber(Math.floor(1000 * value) / 10)} %`;
const signed = (format: Format, value: number) =>
  value === 0 ? "±0" : `${value > 0 ? "+" : "−"}${format(Math.abs(value))}`;
const points: Format = (value) => `${formatNumber(Math.round(1000 * value) / 10)} points`;

const rows: readonly (readonly [
  name: string,
  figure: keyof RunFigures,
  format: Format,
  difference?: Format,
])[] = [
  ["Living peers", "peers", plain],
  ["Links", "links", plain],
  ["Messages followed", "published", plain],
  ["Delivered", "delivered", share, points],
  ["Redundancy (RMR)", "rmr", (value) => value.toFixed(2)],
  ["Latency, half of the receipts", "latencyP50Ms", formatTime],
  ["Latency, 99 % of the receipts", "latencyP99Ms", formatTime],
  ["Failed peers", "failed", plain],
  ["of these removed by all seeds", "noticed", plain],
  ["Living peers that were removed", "falselyRemoved", plain],
];

interface ComparisonTableProps {
  readonly base: Timeline;
  readonly fork: Timeline;
}

export function ComparisonTable({ base, fork }: ComparisonTableProps) {
  const a = figuresAt(base.picture, base.messages.messages, base.cursor);
  const b = figuresAt(fork.picture, fork.messages.messages, fork.cursor);
  return (
    <table className={classes["table"]} aria-label="Figures of both runs">
      <thead>
        <tr>
          <th scope="col">At {formatTime(base.cursor)}</th>
          <th scope="col">A</th>
          <th scope="col">B</th>
          <th scope="col">B − A</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([name, figure, format, difference = format]) => {
          const [of, other] = [a[figure], b[figure]];
          return (
            <tr key={figure}>
              <th scope="row">{name}</th>
              <td>{of === undefined ? "–" : format(of)}</td>
              <td>{other === undefined ? "–" : format(other)}</td>
              <td>{of === undefined || other === undefined ? "–" : signed(difference, other - of)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
