/**
 * What attacks cost, in ids and hosts, and what they gain with each defence on and off: a key that is eclipsed, a table
 * that is poisoned, a victim that is flooded with answers to questions which it never asked (src/lab/lookup/attacks.ts).
 *
 * One run is one network.
 */
import { hashNumbers, Moments, type MomentsState } from "../../core/index.ts";
import { amplification, type EclipseSettings, eclipsedKey, poisonedTable } from "../lookup/attacks.ts";
import type { Chart } from "../simulate/charts.ts";
import type { ExperimentPart, Gate, ReproductionRow } from "./experiment.ts";
import { measuredSeries } from "./measured-series.ts";

interface Case {
  readonly of: string;
  readonly measure: (seed: number) => Readonly<Record<string, number>>;
  readonly gates?: Readonly<Record<string, Gate>>;
}

interface Task {
  readonly place: number;
  readonly seed: number;
  readonly runs: number;
}

type Sample = Readonly<Record<string, MomentsState>>;

const k = 8;
/** Of the runs that were asked for. */
const share = 1 / 6;

// ---- An eclipsed key -------------------------------------------------------------------------------------------------

type Defence = Pick<EclipseSettings, "maxPerHostInBucket" | "paths" | "count">;

const bare: Defence = { maxPerHostInBucket: 0, paths: 1, count: k };
const defences: Readonly<Record<string, Defence>> = {
  "no defence": bare,
  "one per host in a bucket": { ...bare, maxPerHostInBucket: 1 },
  "4 disjoint paths": { ...bare, paths: 4 },
  "twice as many replicas": { ...bare, count: 2 * k },
  "all three": { maxPerHostInBucket: 1, paths: 4, count: 2 * k },
};

const efforts = [
  { sybils: 4, hosts: 1 },
  { sybils: 8, hosts: 1 },
  { sybils: 8, hosts: 8 },
  { sybils: 16, hosts: 16 },
];

const eclipses: readonly Case[] = efforts.flatMap(({ sybils, hosts }) =>
  Object.entries(defences).map(([name, defence]) => ({
    of: `eclipse, ${sybils} ids on ${hosts} ${hosts === 1 ? "host" : "hosts"}, ${name}`,
    measure: (seed) => {
      const { reads, writes, asked } = eclipsedKey({
        ...{ seed, nodes: 100, k, sybils, hosts, lookups: 40 },
        ...defence,
      });
      return { "reads captured": reads, "writes captured": writes, "nodes asked": asked };
    },
  })),
);

// ---- A poisoned table ------------------------------------------------------------------------------------------------

const poisonings: readonly Case[] = [true, false].flatMap((isVerifying) =>
  [8, 32, 128].map(
    (forged): Case => ({
      of: `poisoning, ${forged} forged ids, ${isVerifying ? "nobody is believed unheard" : "whoever asks is believed"}`,
      measure: (seed) => {
        const { poisoned, silent } = poisonedTable({
          ...{ seed, nodes: 60, forged, isVerifying, forMs: 60_000, lookups: 40 },
        });
        return { "share of the table": poisoned, "share of questions unanswered": silent };
      },
      gates: isVerifying
        ? { "share of the table": { low: 0, high: 0, why: "who never answered is never a contact" } }
        : {},
    }),
  ),
);

// ---- Reflected amplification -----------------------------------------------------------------------------------------

const reflections: readonly Case[] = [false, true].map(
  (hasLongAnswers): Case => ({
    of: `amplification, 10 questions, ${hasLongAnswers ? "as many nodes as a message holds" : `${k} nodes`} in an answer`,
    measure: (seed) => {
      const { bytesIn, bytesOut } = amplification({ seed, k, questions: 10, hasLongAnswers });
      return { "bytes out for each byte in": bytesOut / bytesIn };
    },
    gates: hasLongAnswers
      ? {}
      : {
          "bytes out for each byte in": {
            ...{ low: 0, high: 10 },
            why: "an answer to nobody known is at most ten times the question",
          },
        },
  }),
);

const cases: readonly Case[] = [...eclipses, ...poisonings, ...reflections];

export const attacksPart: ExperimentPart<Task, Sample> = {
  plan: ({ seed, runs }) =>
    cases.map((_, place) => ({ place, seed, runs: Math.max(1, Math.round(runs * share)) })),

  measure: ({ place, seed, runs }) => {
    const sums: Record<string, Moments> = {};
    for (let run = 0; run < runs; run++) {
      // The same networks for each defence: only that differs.
      const figures = cases[place]!.measure(hashNumbers([seed, 7, run]));
      for (const [figure, value] of Object.entries(figures)) {
        const moments = sums[figure] ?? new Moments();
        moments.add(value);
        sums[figure] = moments;
      }
    }
    return Object.fromEntries(Object.entries(sums).map(([figure, moments]) => [figure, moments.toJSON()]));
  },

  report: (_, tasks, samples) => ({
    rows: tasks.flatMap(({ place }, i) => {
      const { of, gates = {} } = cases[place]!;
      return Object.entries(samples[i]!).map(([figure, measured]): ReproductionRow => {
        const gate = gates[figure];
        return { of, figure, measured, ...(gate !== undefined && { gate }) };
      });
    }),
    charts: [chartOf((place) => samples[tasks.findIndex((task) => task.place === place)]!)],
    notes: [
      "Eclipse: 100 honest nodes, each on a host of its own, and ids right beside a key, which name only each other to those who look for it. A read is captured when no honest holder of the key's records was asked; a write when the nodes that are found are all hostile. One limit per host in tables does not help a writer: the hostile nodes name each other, and lookups ask them all. Replicas beyond the hostile ids do, until these are as many.",
      "Poisoning: forged ids ask one of 60 nodes once in a second for a minute, and answer nothing. Without the rule that nobody is believed unheard they fill the room of its buckets.",
      "Amplification: messages as the wire has them, without what a transport adds. On TCP and TLS nobody can ask in another's name; in datagrams sessions come first.",
    ],
  }),
};

/** Writes captured by each effort, a line for each defence. */
function chartOf(sampleOf: (place: number) => Sample): Chart {
  const names = Object.keys(defences);
  const single = efforts
    .map((effort, i) => ({ ...effort, i }))
    .filter(({ hosts, sybils }) => hosts === 1 || sybils > 8);
  return {
    id: "s-kademlia-eclipse",
    title: "Ids beside a key, and how many writes they capture",
    note: "As many ids as replicas are enough; twice as many replicas need twice as many ids.",
    x: { label: "hostile ids beside the key" },
    y: { label: "share of writes captured", reachesTo: 1 },
    at: single.map(({ sybils }) => sybils),
    series: names.map((label, j) =>
      measuredSeries(
        { label, color: j },
        single.map(({ i }) => sampleOf(i * names.length + j)["writes captured"]),
      ),
    ),
  };
}
