/** A rumor among up to a million nodes: one cell for each, S/I/R beside what theory says, and the verdict. */
import { Anchor, Button, NativeSelect, useComputedColorScheme } from "@mantine/core";
import {
  IconPlayerPauseFilled,
  IconPlayerPlayFilled,
  IconPlayerTrackNextFilled,
  IconRefresh,
} from "@tabler/icons-react";
import { useEffect, useMemo, useState } from "react";
import { rumorOptions } from "../../../src/dissemination/rumor.ts";
import { Chart } from "../drawing/chart.tsx";
import { Figure } from "../drawing/figure.tsx";
import { NodeGrid } from "../drawing/node-grid.tsx";
import { palette } from "../drawing/palette.ts";
import { formatNumber } from "../drawing/quantities.ts";
import { EpidemicControls } from "./epidemic-controls.tsx";
import { epidemicSeries } from "./epidemic-series.ts";
import { epidemicVerdict, theoryOf } from "./epidemic-theory.ts";
import { addressOf, type EpidemicLab, labOf } from "./lab-address.ts";
import classes from "./laboratory.module.css";
import { useEpidemic } from "./use-epidemic.ts";

const speeds = [
  { value: "1", label: "1 round/s" },
  { value: "2", label: "2 rounds/s" },
  { value: "5", label: "5 rounds/s" },
  { value: "Infinity", label: "as fast as it goes" },
];
const background = { dark: "#3b4048", light: "#ced4da" } as const;

export function EpidemicTab({ asked }: { readonly asked: EpidemicLab | undefined }) {
  const scheme = useComputedColorScheme("dark");
  const [lab, setLab] = useState<EpidemicLab>(() => asked ?? (labOf("?lab=epidemic") as EpidemicLab));
  const [isPlaying, setPlaying] = useState(asked !== undefined);
  const [speed, setSpeed] = useState("2");
  const [life, setLife] = useState(0);
  const [isByInfection, setByInfection] = useState(false);
  const { frame, curve, order, wrong, say } = useEpidemic(lab, life);
  const { nodes } = lab;
  const counts = frame?.counts ?? { round: 0, susceptible: nodes - 1, infected: 1, removed: 0 };
  const isOver = frame?.isOver === true;

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new worker has to be told again.
  useEffect(() => {
    say({ type: "speed", roundsPerSecond: isPlaying ? Number(speed) : 0 });
  }, [say, isPlaying, speed, lab, life]);
  useEffect(() => {
    if (isByInfection && isOver && order === undefined) say({ type: "order" });
  }, [say, isByInfection, isOver, order]);

  const theory = useMemo(() => theoryIfAny(lab), [lab]);
  const series = useMemo(() => epidemicSeries(nodes, curve, theory), [nodes, curve, theory]);
  const isEndless = (lab.rumor.stop ?? rumorOptions.specs.stop.default) === "never";
  const verdict =
    isOver && theory !== undefined ? epidemicVerdict(nodes, curve, theory, isEndless) : undefined;
  const colors = useMemo(() => [background[scheme], palette.infected, palette.removed], [scheme]);
  const states = frame?.states;
  const summary = `Round ${counts.round.toFixed(1)}: ${formatNumber(counts.susceptible)} susceptible, ${formatNumber(counts.infected)} infected, ${formatNumber(counts.removed)} removed`;
  const change = (next: EpidemicLab) => {
    setPlaying(false);
    setLab(next);
  };
  const address = `${addressOf(lab)}#/laboratory/epidemic`;

  return (
    <div className={classes["epidemic"]}>
      <div className={`${classes["scroll"]} ${classes["stack"]}`}>
        <EpidemicControls lab={lab} onChange={change} />
      </div>
      <div className={classes["picture"]}>
        <div className={classes["actions"]}>
          <Button
            size="compact-sm"
            leftSection={
              isPlaying && !isOver ? <IconPlayerPauseFilled size={14} /> : <IconPlayerPlayFilled size={14} />
            }
            disabled={isOver || wrong !== undefined}
            onClick={() => setPlaying(!isPlaying)}
          >
            {isPlaying && !isOver ? "Pause" : "Start"}
          </Button>
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<IconPlayerTrackNextFilled size={14} />}
            disabled={isOver || isPlaying || wrong !== undefined}
            onClick={() => say({ type: "step" })}
          >
            Step
          </Button>
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<IconRefresh size={14} />}
            onClick={() => {
              setPlaying(false);
              setLife(life + 1);
            }}
          >
            Reset
          </Button>
          <NativeSelect
            size="xs"
            aria-label="Speed of the epidemic"
            w={132}
            data={speeds}
            value={speed}
            onChange={(event) => setSpeed(event.currentTarget.value)}
          />
          <NativeSelect
            size="xs"
            aria-label="Order of the cells"
            w={160}
            data={[
              { value: "id", label: "ordered by id" },
              { value: "infection", label: "by time of infection" },
            ]}
            value={isByInfection ? "infection" : "id"}
            onChange={(event) => setByInfection(event.currentTarget.value === "infection")}
          />
        </div>
        {wrong !== undefined && (
          <p className={classes["wrong"]} role="alert">
            {wrong}
          </p>
        )}
        {isByInfection && (isOver || order === undefined) && (
          <p className={classes["muted"]}>
            {isOver
              ? "Reset and start again: the same run, and the cells in the order in which they will hear it."
              : "The order is known when the run is over."}
          </p>
        )}
        <div className={classes["gridHolder"]}>
          {states !== undefined && states.length > 0 && (
            <NodeGrid
              states={states}
              order={isByInfection ? order : undefined}
              colors={colors}
              label={`${formatNumber(nodes)} nodes. ${summary}`}
            />
          )}
        </div>
        <div className={classes["legendRow"]}>
          {(
            [
              ["susceptible", counts.susceptible, 0],
              ["infected", counts.infected, 1],
              ["removed", counts.removed, 2],
            ] as const
          ).map(([name, count, state]) => (
            <span key={name}>
              <span className={classes["swatch"]} style={{ background: colors[state] }} />
              {name} <strong>{formatNumber(count)}</strong>
            </span>
          ))}
          <Anchor size="xs" href={address} ml="auto">
            Link to this experiment
          </Anchor>
        </div>
      </div>
      <div className={classes["scroll"]}>
        <div className={classes["figures"]}>
          <Figure label="Round" value={counts.round.toFixed(1)} />
          <Figure label="Know it" value={knownText(nodes, counts.susceptible)} />
          <Figure label="Copies per node" value={formatNumber(frame?.traffic ?? 0)} />
          <Figure
            label={lab.engine === "events" ? "Events" : "Turns of nodes"}
            value={formatNumber(frame?.eventsPerSecond ?? 0)}
            unit="/s"
          />
        </div>
        <Chart
          title="Who has not heard it, spreads it, or stopped"
          unit="%"
          x={series.rounds}
          xUnit="rounds"
          height={230}
          summary={summary}
          series={[
            { label: "susceptible", values: series.susceptible, color: palette.susceptible },
            { label: "infected", values: series.infected, color: palette.infected },
            { label: "removed", values: series.removed, color: palette.removed },
            ...(series.theorySusceptible === undefined
              ? []
              : [
                  {
                    label: "susceptible by theory",
                    values: series.theorySusceptible,
                    color: palette.theory,
                    dash: [6, 4],
                  },
                  {
                    label: "infected by theory",
                    values: series.theoryInfected!,
                    color: palette.theory,
                    dash: [2, 3],
                  },
                ]),
          ]}
        />
        {verdict !== undefined && (
          <p
            role="status"
            className={`${classes["verdict"]} ${classes[verdict.agrees ? "good" : "bad"]}`}
            style={{ marginTop: 12 }}
          >
            {verdict.agrees ? "✓ " : "✗ "}
            {verdict.text}
          </p>
        )}
        <p className={classes["muted"]} style={{ marginTop: 8 }}>
          {theory === undefined
            ? "Theory has no formula for these rules."
            : `Theory: ${theory.name}. Chance decides how long the first few nodes take, so that the curves may lie a round or two apart.`}
        </p>
      </div>
    </div>
  );
}

/** Rounded down: all but one are not all. */
function knownText(nodes: number, susceptible: number): string {
  return `${Math.floor((1000 * (nodes - susceptible)) / nodes) / 10} %`;
}

function theoryIfAny(lab: EpidemicLab) {
  try {
    return theoryOf(lab);
  } catch {
    // What the rules do not allow is said by the worker.
    return undefined;
  }
}
