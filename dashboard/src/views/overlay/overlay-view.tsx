import { Button, NumberInput } from "@mantine/core";
import { IconSkull } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { Link } from "wouter";
import { useAct, useWhyNot } from "../../app/hands.tsx";
import { Chart } from "../../drawing/chart.tsx";
import { Figure } from "../../drawing/figure.tsx";
import { lineColors, palette } from "../../drawing/palette.ts";
import { formatNumber } from "../../drawing/quantities.ts";
import { shortened } from "../../drawing/shortened.ts";
import type { Timeline } from "../../timeline/timeline.ts";
import { useLiveTimeline } from "../../timeline/use-timeline.ts";
import classes from "./overlay.module.css";
import { type OverlayMeasures, tailShares } from "./overlay-measures.ts";
import { agreementText, askedText, fitText, lawName, removalText } from "./overlay-words.ts";
import { askedOverlay, type MeasuredOverlay, useOverlay } from "./use-overlay.ts";

export function OverlayView() {
  const timeline = useLiveTimeline(4);
  const measured = useOverlay(timeline);
  if (measured === undefined)
    return (
      <div className={classes["view"]}>
        <p className={`${classes["empty"]} ${classes["muted"]}`}>
          {timeline.hello === undefined ? "Waiting for the network." : "Measuring the overlay …"}
        </p>
      </div>
    );
  if (measured.measures.nodes === 0)
    return (
      <div className={classes["view"]}>
        <p className={`${classes["empty"]} ${classes["muted"]}`}>
          No peer is there at this moment. Move the time bar to one at which there are some.
        </p>
      </div>
    );
  return <Overlay timeline={timeline} measured={measured} />;
}

function Overlay({ timeline, measured }: { timeline: Timeline; measured: MeasuredOverlay }) {
  const { measures } = measured;
  const { degrees, nodes, parts, paths } = measures;
  const asked = askedOverlay(timeline.hello?.about.options);
  const agreement = agreementText(measures);
  const isWhole = parts.length === 1;
  const sampled = paths.isExact ? "" : `from ${paths.sources} of ${formatNumber(nodes)} peers`;
  return (
    <section className={classes["view"]} aria-label="Overlay">
      <div className={classes["figures"]}>
        <Figure label="Peers" value={formatNumber(nodes)} />
        <Figure label="Links" value={formatNumber(degrees.links)} />
        <Figure
          label="Degree"
          value={degrees.mean.toFixed(2)}
          hint={`mean; ${degrees.min} to ${degrees.max}`}
        />
        <Figure
          label="Parts"
          value={formatNumber(parts.length)}
          hint={isWhole ? "connected" : `the largest has ${formatNumber(parts[0]!)} peers`}
        />
        <Figure
          label="Diameter"
          value={paths.isExact ? paths.diameter : `≥ ${paths.diameter}`}
          unit="hops"
          hint={isWhole ? sampled : ["within parts", sampled].filter((part) => part !== "").join(", ")}
        />
        <Figure
          label="Mean distance"
          value={Number.isNaN(paths.mean) ? "–" : paths.mean.toFixed(2)}
          unit="hops"
          hint={sampled}
        />
        <Figure
          label="Clustering"
          value={measures.clustering.toFixed(3)}
          hint={`random graph: ${(degrees.mean / Math.max(1, nodes - 1)).toFixed(3)}`}
        />
      </div>
      <div className={classes["verdict"]} data-agrees={agreement?.agrees} aria-live="polite">
        <h2 className={classes["strong"]}>{fitText(measures)}</h2>
        <p className={classes["muted"]}>
          {askedText(asked)}
          {agreement === undefined ? "" : ` So far ${agreement.text}.`}
        </p>
      </div>
      <DegreeCharts measures={measures} />
      <Removal timeline={timeline} measured={measured} />
    </section>
  );
}

function DegreeCharts({ measures }: { measures: OverlayMeasures }) {
  const { nodes, degrees, askedCounts, fit } = measures;
  const { x, counts, tails } = useMemo(() => {
    const length = degrees.histogram.length;
    const x = Array.from({ length }, (_, degree) => degree);
    const fitted =
      fit === undefined
        ? []
        : [{ label: `Fitted: ${lawName(fit.best)}`, values: fit.bestCounts, from: fit.minDegree }];
    const asked = askedCounts === undefined ? [] : [{ label: "Asked for", values: askedCounts, from: 1 }];
    const models = [
      ...asked.map((one) => ({ ...one, color: palette.theory, dash: [6, 4], width: 2 })),
      ...fitted.map((one) => ({ ...one, color: lineColors[3], dash: [2, 3], width: 2 })),
    ];
    // Without degree 0, which has no logarithm.
    const tailOf = (values: readonly number[], from = 1) =>
      tailShares(values, nodes)
        .slice(0, length)
        .map((share, degree) => (degree >= from && share > 0 ? share : null))
        .slice(1);
    return {
      x,
      counts: [
        { label: "Measured", values: degrees.histogram, color: palette.measured },
        ...models.map((one) => ({
          ...one,
          shape: "line" as const,
          values: x.map((k) => one.values[k] ?? 0),
        })),
      ],
      tails: [
        {
          label: "Measured",
          values: tailOf(degrees.histogram),
          color: palette.measured,
          shape: "points" as const,
        },
        ...models.map((one) => ({ ...one, values: tailOf(one.values, one.from) })),
      ],
    };
  }, [nodes, degrees, askedCounts, fit]);
  const most = Math.max(...degrees.histogram);
  return (
    <div className={classes["charts"]}>
      <Chart
        title="Degrees"
        unit="peers"
        x={x}
        xUnit="links"
        series={counts}
        bars
        height={200}
        xLabel="Links of a peer"
        summary={`${measures.nodes} peers with ${degrees.min} to ${degrees.max} links, ${degrees.mean} in the mean; most, ${most}, have ${degrees.histogram.indexOf(most)}. ${fitText(measures)}`}
      />
      <Chart
        title="Share of peers with so many links or more"
        unit=""
        x={x.slice(1)}
        xUnit="links"
        series={tails}
        logX
        logY
        height={200}
        xLabel="Links, both axes logarithmic: a power law is a straight line"
        empty="Nobody is linked"
        summary={`The same degrees as a cumulative share, doubly logarithmic. ${fitText(measures)}`}
      />
    </div>
  );
}

function Removal({ timeline, measured }: { timeline: Timeline; measured: MeasuredOverlay }) {
  const { measures, graph } = measured;
  const { removal, nodes } = measures;
  const act = useAct();
  const why = useWhyNot()("crash");
  const [count, setCount] = useState(1);
  const atHead = timeline.picture === timeline.latest;
  const hubs = removal.hubs.map((place) => ({
    name: timeline.picture.nodes.get(graph.rows[place]!)?.name ?? `row ${graph.rows[place]}`,
    links: graph.adjacency[place]!.length,
  }));
  const chosen = hubs.slice(0, Math.min(count, hubs.length));
  const left = removal.partsByHubs[chosen.length] ?? 0;
  const reason = why ?? (atHead ? undefined : "the moment that is shown is past; go to its end");
  const remove = () => {
    const names = chosen.map(({ name }) => name);
    const done = names.length === 1 ? `${names[0]} was killed` : `${names.length} hubs were killed`;
    void act({ do: "crash", node: names }, done);
  };
  const series = useMemo(
    () => [
      {
        label: "At random",
        values: removal.atRandom.map(percentOf),
        band: [removal.atRandomLow.map(percentOf), removal.atRandomHigh.map(percentOf)] as const,
        color: palette.theory,
        width: 2,
      },
      {
        label: "Hubs first",
        values: removal.byHubs.map(percentOf),
        color: palette.dead,
        width: 2,
        dash: [6, 3],
      },
    ],
    [removal],
  );
  const x = useMemo(() => removal.removed.map(percentOf), [removal]);
  return (
    <div className={classes["charts"]}>
      <Chart
        title="Largest part when peers go"
        unit="%"
        x={x}
        xUnit="%"
        series={series}
        height={200}
        xLabel="Peers that went"
        summary={removalText(measures)}
      />
      <section className={classes["removal"]} aria-label="Hubs">
        <h3 className={classes["sectionTitle"]}>Hubs</h3>
        <p className={classes["muted"]}>{removalText(measures)}</p>
        <div className={classes["hands"]}>
          <NumberInput
            size="xs"
            w={96}
            label="How many hubs"
            min={1}
            max={Math.min(hubs.length, Math.max(1, nodes - 1))}
            allowDecimal={false}
            value={count}
            onChange={(value) => setCount(Math.max(1, Math.floor(Number(value) || 1)))}
          />
          <Button
            size="xs"
            color="red"
            variant="light"
            leftSection={<IconSkull size={14} />}
            aria-disabled={reason !== undefined}
            data-disabled={reason !== undefined || undefined}
            onClick={() => {
              if (reason === undefined) remove();
            }}
          >
            {chosen.length === 1 ? "Kill this hub now" : `Kill these ${chosen.length} hubs now`}
          </Button>
        </div>
        <p className={classes["muted"]}>
          {Math.round(left * nodes).toLocaleString("en")} of the{" "}
          {(nodes - chosen.length).toLocaleString("en")} others would hang together before any link is mended.
          {reason === undefined ? "" : ` Not here: ${reason}.`}
        </p>
        <ol className={classes["hubs"]}>
          {hubs.slice(0, Math.max(9, chosen.length)).map(({ name, links }, i) => (
            <li key={name} style={{ fontWeight: i < chosen.length ? 600 : 400 }}>
              <Link href={`/network?node=${encodeURIComponent(name)}`}>{shortened(name)}</Link>, {links} links
            </li>
          ))}
        </ol>
      </section>
    </div>
  );
}

const percentOf = (share: number) => 100 * share;
