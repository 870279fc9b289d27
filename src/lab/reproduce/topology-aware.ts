/**
 * Topology-aware gossip: what the router between subnets carries, and what that costs in rounds (document 003,
 * "Topology-Aware Gossip").
 */
import { hashNumbers, Moments, type MomentsState } from "../../core/index.ts";
import { Rumor, TopologyPartners, UniformPartners } from "../../dissemination/index.ts";
import { Simulation } from "../../simulator/index.ts";
import { crossingsPerRound, pushRounds, type TargetRule, uplinkCallsPerRound } from "../../theory/index.ts";
import type { Chart } from "../simulate/charts.ts";
import type { Experiment, ReproductionRow } from "./experiment.ts";
import { gateAround } from "./gates.ts";
import { measuredSeries } from "./measured-series.ts";
import { type Piece, pieces } from "./pieces.ts";

/** A run is one rumor, pushed by whoever knows it, without end. */
interface Configuration {
  readonly rule: TargetRule;
  /** n_i: how many nodes each subnet has. */
  readonly sizes: readonly number[];
  /** Of the runs that were asked for. */
  readonly share: number;
  readonly runsPerTask: number;
}

interface Task extends Configuration, Piece {
  readonly seed: number;
}

const figures = ["router", "uplink", "rounds"] as const;
type Sample = Readonly<Record<(typeof figures)[number], MomentsState>>;

const rules: readonly TargetRule[] = ["uniform", "topology-aware"];
const equal = (subnets: number, nodes: number) => new Array<number>(subnets).fill(nodes / subnets);
const subnetsOfGrowth = 8;
const nodesOfGrowth = [256, 1024, 4096, 16_384];
const unequal = [16, 112, 896];

const settings: readonly Omit<Configuration, "rule">[] = [
  ...nodesOfGrowth.map((nodes) => {
    return {
      sizes: equal(subnetsOfGrowth, nodes),
      share: Math.min(1, 1024 / nodes),
      runsPerTask: Math.max(1, Math.round(40_000 / nodes)),
    };
  }),
  { sizes: equal(2, 1024), share: 1, runsPerTask: 40 },
  { sizes: equal(32, 1024), share: 1, runsPerTask: 40 },
  { sizes: unequal, share: 1, runsPerTask: 40 },
];
const configurations: readonly Configuration[] = settings.flatMap((setting) =>
  rules.map((rule) => ({ rule, ...setting })),
);

const intervalMs = 1000;
/** After all know the rumor, all call in each round: so long the load is counted. */
const countedRounds = 20;

export const topologyAwareExperiment: Experiment<Task, Sample> = {
  name: "topology-aware",
  description: "Partners by subnet: calls over the router per round, and rounds, beside uniform choice",
  source: "Document 003, slide Topology-Aware Gossip",
  defaultRuns: 150,
  quickRuns: 3,

  plan: ({ seed, runs }) =>
    configurations.flatMap((configuration) => {
      const { share, runsPerTask } = configuration;
      const all = Math.max(2, Math.round(runs * share));
      return pieces(all, runsPerTask).map((piece): Task => ({ ...configuration, seed, ...piece }));
    }),

  measure: ({ rule, sizes, seed, firstRun, runs }) => {
    const moments = { router: new Moments(), uplink: new Moments(), rounds: new Moments() };
    for (let run = firstRun; run < firstRun + runs; run++) {
      const measured = runOnce(rule, sizes, hashNumbers([seed, rules.indexOf(rule), ...sizes, run]));
      for (const figure of figures) moments[figure].add(measured[figure]);
    }
    const { router, uplink, rounds } = moments;
    return { router: router.toJSON(), uplink: uplink.toJSON(), rounds: rounds.toJSON() };
  },

  report: (_, tasks, samples) => {
    const of = (configuration: Configuration, figure: keyof Sample): MomentsState => {
      const all = new Moments();
      tasks.forEach((task, i) => {
        if (task.rule === configuration.rule && `${task.sizes}` === `${configuration.sizes}`)
          all.merge(Moments.from(samples[i]![figure]));
      });
      return all.toJSON();
    };
    return {
      rows: [
        ...configurations.flatMap((one) => rowsOf(one, (figure) => of(one, figure))),
        ...rules.map((rule) => slopeRow(rule, of)),
      ],
      charts: [loadChart(of), roundsChart(of)],
      notes: [
        "By events: push with aligned calls, over one router to which all subnets are linked; within a subnet messages pass no router. The router counts what it forwards.",
        `The load is counted over ${countedRounds} rounds after all know the rumor: then every node calls once a round, which is what the formulas are about.`,
        "Rounds have no gate: the slide says O(log n), and so it is. But with the rule a doubling of the nodes costs about twice as many rounds as with uniform choice: the rumor must have filled much of its subnet before a call to the outside is likely to carry it, and then begins anew in the next one.",
        "A small subnet sends out as many calls as a large one, one per round, and is seldom called: of the subnet of 16 beside 1008 others one call leaves in a round, and hardly any comes.",
      ],
    };
  },
};

function runOnce(rule: TargetRule, sizes: readonly number[], seed: number) {
  const subnetOf = sizes.flatMap((size, subnet) => new Array<number>(size).fill(subnet));
  const rows = subnetOf.length;
  const rumor = new Rumor({
    rows,
    partners: rule === "uniform" ? new UniformPartners(rows) : new TopologyPartners({ subnetOf }),
    options: { mode: "push", timing: "aligned", intervalMs, isQuiet: true },
  });
  const subnets = sizes.map(() => 0);
  const simulation = new Simulation({
    seed,
    rows,
    links: { latency: { model: "routed", routers: 1, links: [], subnets, localMs: 5 } },
  });
  for (const [row, subnet] of subnetOf.entries()) simulation.links.setZone(row, subnet);
  simulation.hostAll(rumor);
  simulation.command(0, { type: "infect" });
  let rounds = 0;
  // Between the rounds nothing is under way.
  simulation.run(intervalMs / 2);
  while (rumor.informed < rows) simulation.run(intervalMs * (++rounds + 0.5));
  const topology = simulation.links.topology!;
  topology.clearLoads();
  simulation.run(intervalMs * (rounds + countedRounds + 0.5));
  const uplink = topology.loads().find((load) => load.kind === "uplink" && load.subnet === 0)!;
  return {
    router: topology.routerLoads()[0]!.messages / countedRounds,
    uplink: uplink.messages / countedRounds,
    rounds,
  };
}

function nameOf({ rule, sizes }: Configuration): string {
  const nodes = sizes.reduce((sum, size) => sum + size, 0);
  const isEqual = sizes.every((size) => size === sizes[0]);
  return `${rule}, n = ${nodes}, subnets ${isEqual ? `${sizes.length} x ${sizes[0]}` : sizes.join(" + ")}`;
}

function rowsOf(configuration: Configuration, of: (figure: keyof Sample) => MomentsState): ReproductionRow[] {
  const { rule, sizes } = configuration;
  const nodes = sizes.reduce((sum, size) => sum + size, 0);
  const gated = (figure: "router" | "uplink", name: string, theory: number): ReproductionRow => {
    const measured = of(figure);
    return {
      of: nameOf(configuration),
      figure: name,
      theory,
      measured,
      gate: gateAround({ expected: theory, source: "theory", measured }),
    };
  };
  return [
    gated("router", "calls over the router per round", crossingsPerRound(rule, { sizes })),
    ...(sizes === unequal
      ? [
          gated(
            "uplink",
            "of these from and to the smallest subnet",
            uplinkCallsPerRound(rule, { sizes, subnet: 0 }),
          ),
        ]
      : []),
    {
      of: nameOf(configuration),
      figure: "rounds until all know",
      ...(rule === "uniform" && { theory: pushRounds({ n: nodes }) }),
      measured: of("rounds"),
    },
  ];
}

/** By least squares over the mean rounds of all sizes of the growth, in powers of two. */
function slopeRow(rule: TargetRule, of: MomentsOf): ReproductionRow {
  const doublings = nodesOfGrowth.map((nodes) => Math.log2(nodes));
  const rounds = growth(rule).map((one) => of(one, "rounds").mean);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(doublings), mean(rounds)];
  const slope =
    mean(doublings.map((one, i) => (one - x) * (rounds[i]! - y))) /
    mean(doublings.map((one) => (one - x) ** 2));
  return {
    of: `${rule}, ${subnetsOfGrowth} equal subnets`,
    figure: "rounds more for twice the nodes (fit)",
    ...(rule === "uniform" && { theory: pushRounds({ n: 2048 }) - pushRounds({ n: 1024 }) }),
    measured: Moments.of([slope]).toJSON(),
  };
}

type MomentsOf = (configuration: Configuration, figure: keyof Sample) => MomentsState;

/** Those of the growth with n, by rule. */
function growth(rule: TargetRule): readonly Configuration[] {
  return configurations.filter((one) => one.rule === rule).slice(0, nodesOfGrowth.length);
}

function loadChart(of: MomentsOf): Chart {
  return {
    id: "topology-aware-load",
    title: "Topology-aware gossip: calls over the router",
    note: "Eight equal subnets, every node calls once a round. Uniform choice loads the router with a share of all nodes; with the rule it carries one call of each subnet.",
    x: { label: "nodes", isLogarithmic: true },
    y: { label: "calls over the router per round", isLogarithmic: true },
    at: nodesOfGrowth,
    series: rules.flatMap((rule, color) => [
      {
        label: `theory, ${rule}`,
        style: "line" as const,
        color,
        values: growth(rule).map(({ sizes }) => crossingsPerRound(rule, { sizes })),
      },
      measuredSeries(
        { label: `measured, ${rule}`, color },
        growth(rule).map((one) => of(one, "router")),
      ),
    ]),
  };
}

function roundsChart(of: MomentsOf): Chart {
  return {
    id: "topology-aware-rounds",
    title: "Topology-aware gossip: rounds until all know",
    note: "Eight equal subnets, push. Both are straight lines over the logarithm of n; with the rule it is about twice as steep.",
    x: { label: "nodes", isLogarithmic: true },
    y: { label: "rounds", reachesTo: 50 },
    at: nodesOfGrowth,
    series: [
      {
        label: "theory, uniform: log2 n + ln n",
        style: "line",
        color: 0,
        values: nodesOfGrowth.map((n) => pushRounds({ n })),
      },
      ...rules.map((rule, color) =>
        measuredSeries(
          { label: `measured, ${rule}`, color },
          growth(rule).map((one) => of(one, "rounds")),
        ),
      ),
    ],
  };
}
