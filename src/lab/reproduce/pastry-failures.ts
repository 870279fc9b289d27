/**
 * A tenth of a Pastry network falls silent: routes before that, around the dead, and after repair; and what repair costs.
 * Rowstron and Druschel, Middleware 2001, section 4.4. The paper's figures are recalled, and do not fit the |L| that is
 * stated with them: they are shown, and the gates are around an independent model.
 */
import {
  compareAround,
  hashNumbers,
  Moments,
  type MomentsState,
  sample,
  seededRandom,
} from "../../core/index.ts";
import type { Pastry } from "../../lookup/index.ts";
import { type PastryRoutes, pastryRoutes } from "../../theory/index.ts";
import type { LookupNetwork } from "../lookup/lookup-network.ts";
import type { Chart } from "../simulate/charts.ts";
import type { Experiment, ReproductionInput, ReproductionRow } from "./experiment.ts";
import { gateAround } from "./gates.ts";
import { measuredSeries } from "./measured-series.ts";
import { lookUp, merged, pastryFlags, pastryNetwork, shareOf, tablesFrom, whole } from "./pastry-network.ts";

type Phase = "before" | "unrepaired" | "repaired";

export interface PastryFailuresTask {
  /** `tables`: before, and with dead nodes in the tables. `repair`: the protocol finds and replaces them. */
  readonly type: "tables" | "repair";
  readonly seed: number;
  readonly nodes: number;
  readonly failed: number;
  readonly bits: number;
  readonly leafSetSize: number;
  readonly routes: number;
}

interface Routed {
  readonly hops: MomentsState;
  /** Nodes that did not acknowledge, for each route. */
  readonly silent: MomentsState;
  readonly right: number;
}

export interface PastryFailuresSample {
  readonly routed: Readonly<Partial<Record<Phase, Routed>>>;
  readonly repair?: {
    /** Of upkeep, beyond those that a calm time takes, for each failed node. */
    readonly messages: number;
    /** Share of entries that name a dead node. */
    readonly deadLeaves: number;
    readonly deadEntries: number;
  };
}

/** Time for the repair, and lookups of each node meanwhile: a dead entry is mostly found by whoever routes through it. */
const repairMs = 60_000;
const lookupsPerNode = 10;
/** A network with all its timers takes ten times as long. */
const repairRuns = 2;

/** Recalled; 5,000 nodes of which a tenth fail. */
const published: Readonly<Record<Phase, number>> = { before: 2.73, unrepaired: 2.96, repaired: 2.74 };
const publishedMessages = 57;

const phaseNames: Readonly<Record<Phase, string>> = {
  before: "before the failure",
  unrepaired: "leaf sets repaired, tables not",
  repaired: `after ${repairMs / 1000} s of repair`,
};
const phases = Object.keys(phaseNames) as Phase[];

export const pastryFailuresExperiment: Experiment<PastryFailuresTask, PastryFailuresSample> = {
  name: "pastry-failures",
  description: "Pastry with a tenth of its nodes silent: hops before, without and after repair, and its cost",
  source: "Rowstron and Druschel 2001 (Middleware), section 4.4",
  defaultRuns: 6,
  quickRuns: 2,
  quickFlags: { nodes: "800", routes: "1500" },
  flags: [
    { name: "nodes", description: "nodes before the failure", default: 5000, min: 20, max: 100_000 },
    { name: "failed", description: "share of them that falls silent", default: 0.1, min: 0, max: 0.5 },
    ...pastryFlags,
    {
      name: "routes",
      description: "lookups in each network and phase",
      default: 3000,
      min: 10,
      max: 1_000_000,
    },
  ],

  plan: ({ seed, runs, flags }) => {
    const common = {
      ...tablesFrom(flags),
      nodes: whole(flags, "nodes"),
      failed: flags["failed"] as number,
      routes: whole(flags, "routes"),
    };
    const tasks = (type: PastryFailuresTask["type"], count: number) =>
      Array.from({ length: count }, (_, run) => ({ type, seed: hashNumbers([seed, run]), ...common }));
    return [...tasks("repair", Math.min(runs, repairRuns)), ...tasks("tables", runs)];
  },

  measure: (task) => (task.type === "tables" ? withDeadEntries(task) : withRepair(task)),

  report: (input, _, samples) => {
    const models = modelsOf(input);
    const of = (phase: Phase) =>
      samples.flatMap(({ routed }) => (routed[phase] === undefined ? [] : [routed[phase]]));
    const repairs = samples.flatMap(({ repair }) => (repair === undefined ? [] : [repair]));
    const hops = (phase: Phase) => merged(of(phase).map((one) => one.hops));
    const isPublished =
      input.flags["nodes"] === 5000 && input.flags["failed"] === 0.1 && input.flags["bits"] === 4;
    return {
      rows: [
        ...phases.flatMap((phase) => rowsOf(phase, of(phase), models[phase], isPublished)),
        {
          of: phaseNames.repaired,
          figure: "messages for each failed node",
          ...(isPublished && { published: publishedMessages }),
          measured: Moments.of(repairs.map(({ messages }) => messages)).toJSON(),
        },
        {
          of: phaseNames.repaired,
          figure: "dead among leaves (share)",
          measured: Moments.of(repairs.map(({ deadLeaves }) => deadLeaves)).toJSON(),
        },
        {
          of: phaseNames.repaired,
          figure: "dead among table entries (share)",
          measured: Moments.of(repairs.map(({ deadEntries }) => deadEntries)).toJSON(),
        },
      ],
      charts: [hopsChart(hops, models, isPublished)],
      notes: [
        "The published hops are recalled, and come near the model only with |L| = 32 (--leaf-set 32): they are shown and are no gates. Gates are around the model, for whatever flags say.",
        `Repair: the protocol as it runs, with ${lookupsPerNode} lookups of each node meanwhile. Its messages are those of upkeep beyond as many as the same time took before the failure. The paper's count is of a repair at once, ours of one that looks around (Bamboo's way): every leaf that notices pings before it believes.`,
        "A node that stays silent is not forgotten for the next route: whoever has met it avoids it. In the model each route meets it anew, so its time-outs are a few more.",
      ],
    };
  },
};

// ---- Measuring ----------------------------------------------------------------------------------------------------

function withDeadEntries({
  seed,
  nodes,
  failed,
  bits,
  leafSetSize,
  routes,
}: PastryFailuresTask): PastryFailuresSample {
  const common = { seed, nodes, bits, leafSetSize };
  const before = routed(pastryNetwork(common), routes, seed);
  const dead = new Set(chosenRows(nodes, failed, seed));
  const network = pastryNetwork({
    ...common,
    options: { isRepairing: false },
    tables: () => ({ isThere: (row) => !dead.has(row) }),
  });
  for (const row of dead) network.crash(row);
  return { routed: { before, unrepaired: routed(network, routes, seed) } };
}

function withRepair({
  seed,
  nodes,
  failed,
  bits,
  leafSetSize,
  routes,
}: PastryFailuresTask): PastryFailuresSample {
  const network = pastryNetwork({
    seed,
    nodes,
    bits,
    leafSetSize,
    isLazy: false,
    options: { leafIntervalMs: undefined, tableIntervalMs: undefined },
  });
  const calm = upkeepDuring(network, hashNumbers([seed, 1]));
  const dead = chosenRows(nodes, failed, seed);
  for (const row of dead) network.crash(row);
  const busy = upkeepDuring(network, hashNumbers([seed, 2]));
  const messages = dead.length === 0 ? 0 : (busy - calm) / dead.length;
  const repair = { messages, ...deadShares(network) };
  return { routed: { repaired: routed(network, routes, seed) }, repair };
}

function chosenRows(nodes: number, share: number, seed: number): number[] {
  const rows = Array.from({ length: nodes }, (_, row) => row);
  return sample(rows, Math.round(share * nodes), seededRandom(hashNumbers([seed, 3])));
}

const upkeepMessages = ["ping", "pong", "leaves", "ask-row", "row"];

/** Messages of upkeep in the time of a repair, with lookups spread over it. */
function upkeepDuring(network: LookupNetwork, seed: number): number {
  const count = () =>
    upkeepMessages.reduce((sum, type) => sum + (network.sent.byType.get(type)?.messages ?? 0), 0);
  const before = count();
  const { time } = network;
  const rounds = 20;
  for (let round = 1; round <= rounds; round++) {
    lookUp(
      network,
      Math.round((lookupsPerNode * network.living.size) / rounds),
      hashNumbers([seed, round]),
      () => {},
    );
    network.run(Math.max(0, time + (repairMs * round) / rounds - network.time));
  }
  return count() - before;
}

function deadShares(network: LookupNetwork) {
  const leaves = new Moments();
  const entries = new Moments();
  for (const row of network.living.all()) {
    const pastry = network.routerOf(row) as Pastry;
    const isDead = ({ node }: { readonly node: unknown }) => (network.living.has(node as number) ? 0 : 1);
    for (const leaf of pastry.leaves.all()) leaves.add(isDead(leaf));
    for (const entry of pastry.table.all()) entries.add(isDead(entry));
  }
  return { deadLeaves: leaves.mean, deadEntries: entries.mean };
}

function routed(network: LookupNetwork, routes: number, seed: number): Routed {
  const hops = new Moments();
  const silent = new Moments();
  let right = 0;
  lookUp(network, routes, seed, ({ key, report }) => {
    hops.add(report!.hops);
    silent.add(report!.silent);
    if (report!.closest[0] === network.trueClosest(key, 1, compareAround)[0]) right++;
  });
  return { hops: hops.toJSON(), silent: silent.toJSON(), right };
}

// ---- Reporting ----------------------------------------------------------------------------------------------------

function modelsOf({ seed, flags }: ReproductionInput): Readonly<Record<Phase, PastryRoutes>> {
  const { bits: b, leafSetSize } = tablesFrom(flags);
  const n = whole(flags, "nodes");
  const failed = flags["failed"] as number;
  const model = (nodes: number, share: number) =>
    pastryRoutes({
      n: nodes,
      b,
      leafSetSize,
      failed: share,
      routes: 3000,
      networks: 5,
      random: seededRandom(seed),
    });
  const left = n - Math.round(failed * n);
  return { before: model(n, 0), unrepaired: model(n, failed), repaired: model(left, 0) };
}

function rowsOf(
  phase: Phase,
  samples: readonly Routed[],
  model: PastryRoutes,
  isPublished: boolean,
): ReproductionRow[] {
  const hops = merged(samples.map((one) => one.hops));
  const right = samples.reduce((sum, one) => sum + one.right, 0);
  return [
    {
      of: phaseNames[phase],
      figure: "hops",
      ...(isPublished && { published: published[phase] }),
      theory: model.hops.mean,
      measured: hops,
      gate: gateAround({
        expected: model.hops.mean,
        source: "the model",
        measured: hops,
        slack: 0.03 * model.hops.mean,
        slackWhy: "3 % of it",
      }),
    },
    {
      of: phaseNames[phase],
      figure: "time-outs per route",
      ...(phase !== "repaired" && { theory: model.timeouts.mean }),
      measured: merged(samples.map((one) => one.silent)),
    },
    {
      of: phaseNames[phase],
      figure: "ended at the root",
      theory: 1,
      measured: shareOf(right, hops.count),
      gate:
        phase === "repaired"
          ? { low: 0.999, high: 1, why: "leaf sets are right, but for failures that nobody has noticed yet" }
          : { low: 1, high: 1, why: "leaf sets are right, and no message is lost" },
    },
  ];
}

function hopsChart(
  hops: (phase: Phase) => MomentsState,
  models: Readonly<Record<Phase, PastryRoutes>>,
  isPublished: boolean,
): Chart {
  return {
    id: "pastry-failures",
    title: "Pastry: hops before a failure, with dead entries, and after repair",
    note: phases.map((phase, i) => `${i + 1}: ${phaseNames[phase]}`).join("; "),
    x: { label: "phase" },
    y: { label: "hops", reachesTo: 3.5 },
    at: phases.map((_, i) => i + 1),
    series: [
      { label: "model", style: "line", color: 0, values: phases.map((phase) => models[phase].hops.mean) },
      {
        label: "published (recalled)",
        style: "dashed",
        color: 1,
        values: phases.map((phase) => (isPublished ? published[phase] : null)),
      },
      measuredSeries({ label: "measured", color: 0 }, phases.map(hops)),
    ],
  };
}
