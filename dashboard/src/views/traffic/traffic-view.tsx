/** What the network sends, how soon it arrives, and what that costs the process: over all the time that is kept. */
import { Chart } from "../../drawing/chart.tsx";
import type { ChartMark } from "../../drawing/chart-marks.ts";
import { Figure } from "../../drawing/figure.tsx";
import { Histogram } from "../../drawing/histogram.tsx";
import { lineColors, palette } from "../../drawing/palette.ts";
import panel from "../../drawing/panel.module.css";
import { formatQuantity } from "../../drawing/quantities.ts";
import { useLiveTimeline } from "../../timeline/use-timeline.ts";
import { TalkersTable } from "./talkers-table.tsx";
import classes from "./traffic.module.css";
import {
  isKnown,
  type LayerRates,
  type Levels,
  lastKnown,
  lastUntil,
  latestDelays,
  marksOf,
  sumAt,
  trafficSeries,
} from "./traffic-series.ts";

/** Layers keep their color from run to run. What a network has only one of shares it: a membership, an overlay, a router. */
const layerColors: Readonly<Record<string, string>> = {
  broadcast: lineColors[0],
  heartbeat: lineColors[3],
  introduction: lineColors[2],
  membership: lineColors[2],
  overlay: lineColors[1],
  hyparview: lineColors[1],
  state: lineColors[4],
  store: lineColors[5],
  kademlia: lineColors[6],
  chord: lineColors[6],
  pastry: lineColors[6],
};

/** The table takes what the last row of charts has left: all, two places, or one. */
const fill = ["full", "wide", "panel"] as const;

interface Line {
  readonly label: string;
  readonly values: Levels;
  readonly color: string;
  readonly dash?: readonly number[];
}

export function TrafficView() {
  const timeline = useLiveTimeline(2);
  const { totals, picture, messages, notable, cursor, startedAt, source } = timeline;
  const series = trafficSeries(totals, startedAt);
  const marks: ChartMark[] = marksOf(notable, picture, startedAt).map(({ at, label, isDeath }) =>
    isDeath ? { at, label, color: palette.dead } : { at, label },
  );
  const delays = latestDelays(messages.messages, cursor);
  const now = cursor - startedAt;
  const index = lastUntil(series, now);
  const draw = (title: string, unit: string, lines: readonly Line[], isStacked = false) =>
    lines.length === 0 || !lines.some(({ values }) => isKnown(values)) ? null : (
      <Chart
        key={title}
        title={title}
        unit={unit}
        x={series.x}
        series={lines}
        stacked={isStacked}
        marks={marks}
        cursorAt={now}
        height={124}
        syncKey="traffic"
        onPick={(at) => timeline.seek(at + startedAt)}
        summary={summaryOf(title, unit, lines, index)}
      />
    );
  const layers = (rates: readonly LayerRates[]): Line[] =>
    rates.map(({ layer, values }) => ({
      label: layer,
      values,
      color: layerColors[layer] ?? palette.susceptible,
    }));

  if (series.x.length === 0)
    return (
      <div className={classes["view"]}>
        <p className={panel["note"]}>
          {timeline.hasEnded
            ? "This run is shorter than the second that a rate needs."
            : "No figures yet: they come once a second."}
        </p>
      </div>
    );
  const at = (values: Levels, unit: string) => quantity(values[index], unit);
  const latest = index < 0 ? undefined : totals.findLast((one) => one.at <= cursor);
  const charts = [
    draw("Messages by layer", "/s", layers(series.messages), true),
    draw("Bytes by layer", "B/s", layers(series.bytes), true),
    draw("Gossip", "/s", [
      { label: "copies sent", values: series.copies, color: lineColors[0] },
      { label: "delivered", values: series.delivered, color: lineColors[2], dash: [6, 3] },
      { label: "published", values: series.published, color: lineColors[1], dash: [2, 3] },
    ]),
    draw("Latency", "ms", [
      { label: "median", values: series.latencyP50, color: lineColors[0] },
      { label: "p99", values: series.latencyP99, color: lineColors[5], dash: [6, 3] },
    ]),
    delays.length === 0 ? null : (
      <Histogram
        key="delays"
        title="Delays of the latest messages"
        values={delays}
        unit="ms"
        counted="deliveries"
        color={lineColors[0]}
        height={124}
      />
    ),
    draw("Redundancy (RMR)", "", [
      { label: "copies per delivery in 10 s, minus 1", values: series.redundancy, color: lineColors[3] },
    ]),
    draw("Trees", "/s", [
      { label: "offers (i-have)", values: series.announced, color: lineColors[0] },
      { label: "grafts", values: series.grafts, color: lineColors[2], dash: [6, 3] },
      { label: "prunes", values: series.prunes, color: lineColors[5], dash: [2, 3] },
    ]),
    draw("Waiting to be sent", "B", [{ label: "queued", values: series.queued, color: lineColors[1] }]),
    draw("Event-loop delay", "ms", [
      { label: "median", values: series.loopP50, color: lineColors[0] },
      { label: "p99", values: series.loopP99, color: lineColors[5], dash: [6, 3] },
    ]),
    draw("CPU", "%", [{ label: "of one core", values: series.cpu, color: lineColors[2] }]),
    draw("Memory", "B", [{ label: "resident", values: series.memory, color: lineColors[6] }]),
    draw("Simulator", "/s", [{ label: "events", values: series.simulatedEvents, color: lineColors[0] }]),
    draw("Events to come", "", [{ label: "pending", values: series.pendingEvents, color: lineColors[1] }]),
  ].filter((chart) => chart !== null);
  return (
    <div className={classes["view"]}>
      <div className={`${panel["full"]} ${panel["figures"]}`}>
        {series.messages.length > 0 && (
          <Figure
            label="Messages"
            value={quantity(sumAt(series.messages, index), "/s")}
            hint="over all links"
          />
        )}
        {series.bytes.length > 0 && (
          <Figure
            label="Bytes"
            value={quantity(sumAt(series.bytes, index), "B/s")}
            hint="in these messages"
          />
        )}
        <Figure label="Published" value={at(series.published, "/s")} hint={soFar(latest?.published)} />
        <Figure label="Delivered" value={at(series.delivered, "/s")} hint={soFar(latest?.delivered)} />
        <Figure
          label="Redundancy (RMR)"
          value={quantity(lastKnown(series.redundancy, index), "")}
          hint={
            latest === undefined || latest.delivered === 0 || latest.copiesSent < latest.delivered
              ? "copies per delivery, minus 1"
              : `${quantity(latest.copiesSent / latest.delivered - 1, "")} over the run`
          }
        />
        <Figure
          label="Latency, p99"
          value={quantity(lastKnown(series.latencyP99, index), "ms")}
          hint={`median ${quantity(lastKnown(series.latencyP50, index), "ms")}`}
        />
        <Figure
          label="Nodes"
          value={latest === undefined ? "–" : latest.peers + latest.seeds}
          hint={nodesHint(latest)}
        />
      </div>

      {charts}

      <section className={classes[fill[charts.length % 3]!]}>
        <h2 className={panel["heading"]}>Who talks most</h2>
        <TalkersTable picture={picture} />
      </section>
      {source.kind === "recorded" && (
        <p className={`${panel["full"]} ${panel["note"]}`}>
          A recorded trace tells what was said, not what it weighed: what each layer sends is known of live
          and simulated networks, and bytes, queues, CPU and memory of live ones.
        </p>
      )}
    </div>
  );
}

function quantity(value: number | null | undefined, unit: string): string {
  return value === null || value === undefined ? "–" : formatQuantity(value, unit);
}

function soFar(count: number | undefined): string {
  return count === undefined ? "" : `${count.toLocaleString("en")} so far`;
}

function nodesHint(latest: { peers: number; seeds: number; stopped: number } | undefined): string {
  if (latest === undefined) return "";
  const stopped = latest.stopped === 0 ? "" : `, ${latest.stopped} gone`;
  return `${latest.peers} peers, ${latest.seeds} seeds${stopped}`;
}

function summaryOf(title: string, unit: string, lines: readonly Line[], index: number): string {
  const told = lines.map(({ label, values }) => {
    const known = values.filter((value) => value !== null);
    const most = known.reduce((max, value) => Math.max(max, value), 0);
    return `${label} ${quantity(values[index], unit)} now, ${quantity(most, unit)} at most`;
  });
  return `${title}: ${told.join("; ")}`;
}
