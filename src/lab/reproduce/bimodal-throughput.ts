/**
 * The throughput of bimodal multicast: it stays what it is at healthy receivers while others sleep (Birman and others
 * 1999). A sleeper hangs for whole intervals, which begin at a time of its own: in each of them with the same
 * probability. What comes meanwhile waits for it, messages and its own timers.
 *
 * One run is one group with one sender.
 */
import {
  hashNumbers,
  type Millis,
  Moments,
  type MomentsState,
  sample,
  seededRandom,
} from "../../core/index.ts";
import type { Chart, Series } from "../simulate/charts.ts";
import { BimodalGroup } from "./bimodal-group.ts";
import type { ExperimentPart, Gate, ReproductionRow } from "./experiment.ts";

export interface ThroughputConfiguration {
  readonly receivers: number;
  /** Share of the receivers that sleep now and then. */
  readonly sleepers: number;
  /** With which probability, in each interval. */
  readonly sleepProbability: number;
  /** False: the tree alone. */
  readonly gossips: boolean;
}

interface Task extends ThroughputConfiguration {
  readonly seed: number;
  readonly seconds: number;
}

const figures = ["rate", "spread", "delayMs", "retransmissions"] as const;

/**
 * `rate`: messages per second that come within a second of being sent, of each healthy receiver. `spread`: the standard
 * deviation of what comes to a healthy receiver in a second. `delayMs`: of healthy receivers. `retransmissions`:
 * solicited copies per second, of each node.
 */
type Sample = Readonly<Record<(typeof figures)[number], MomentsState>>;

const intervalMs = 100;
const sentPerSecond = 100;
/** A message that takes longer does not count. */
const lateMs = 1000;
/** Until rounds and sleepers are in full swing. */
const warmUpMs = 1000;
/** Half of the default, a second: to tell ids is what the simulation takes most of its time for. */
const digestRounds = 10;

const shares = [0, 0.05, 0.15, 0.25];
const most = shares.at(-1)!;
const usual = { sleepProbability: 0.5, gossips: true };
/** All shares for the smallest and the largest group. */
const groups: readonly ThroughputConfiguration[] = [32, 64, 96, 128].flatMap((receivers) =>
  shares
    .filter((share) => receivers === 32 || receivers === 128 || share === 0 || share === most)
    .map((sleepers) => ({ receivers, sleepers, ...usual })),
);
const compared: readonly ThroughputConfiguration[] = [
  { receivers: 64, sleepers: most, sleepProbability: 0.5, gossips: false },
  { receivers: 64, sleepers: most, sleepProbability: 0.9, gossips: true },
  { receivers: 64, sleepers: most, sleepProbability: 0.9, gossips: false },
];
/** With the tree alone it matters much who sleeps. */
const comparedTimes = 5;
const forAFewRuns: readonly ThroughputConfiguration[] = groups.filter(
  ({ receivers, sleepers }) => receivers === 32 && (sleepers === 0 || sleepers === most),
);

/** So many runs of the experiment are one of a group. */
const runsPerGroup = 60_000;

export const throughputPart: ExperimentPart<Task, Sample> = {
  plan: ({ seed, runs }) => {
    const isShort = runs < runsPerGroup / 4;
    const configurations = isShort ? forAFewRuns : [...groups, ...compared];
    return configurations.flatMap((configuration) => {
      const { receivers, sleepers } = configuration;
      const times = compared.includes(configuration) ? comparedTimes : 1;
      return Array.from({ length: times * Math.max(1, Math.round(runs / runsPerGroup)) }, (_, run): Task => {
        // Of equal runs, whatever is compared, the same receivers are sleepers.
        const runSeed = hashNumbers([seed, receivers, 100 * sleepers, run]);
        return { ...configuration, seed: runSeed, seconds: isShort ? 5 : 10 };
      });
    });
  },

  measure: (task) => throughput(task),

  report: (_, tasks, samples) => {
    const of = (configuration: ThroughputConfiguration): Sample | undefined => {
      const own = samples.filter((_, i) => isSame(tasks[i]!, configuration));
      return own.length === 0 ? undefined : merged(own);
    };
    const measured = [...groups, ...compared].flatMap((configuration) => {
      const sample = of(configuration);
      return sample === undefined ? [] : [{ configuration, sample }];
    });
    return {
      rows: measured.flatMap(({ configuration, sample }) =>
        rowsOf(configuration, sample, of({ ...configuration, sleepers: 0, ...usual })),
      ),
      charts: [rateChart(of)],
      notes: [
        `Sleepers: one sender of ${sentPerSecond} messages a second, rounds of 100 ms, latencies of 1 to 5 ms, ids told for ${digestRounds} rounds. A share of the receivers sleeps: in each interval of ${intervalMs} ms with probability 0.5, unless another is said, and what comes meanwhile waits. The paper has intervals of 100 ms and up to 25 % of its processes sleeping; the probability is our choice. Groups are measured once, what is compared five times, with the same sleepers.`,
        "The rate counts what comes within a second. The paper multicasts by the network, so that a sleeper holds up nobody. Here sleepers are also inner nodes of the tree, and what they hold up comes late or by gossip: hence the spread from second to second, which is the larger the higher in the tree one sleeps.",
        "Solicited copies are needed where the tree is held up, and a few of them where it is only slower than a digest. A sender that waits for the acknowledgements of all goes as fast as the slowest receiver: the paper says that the throughput of virtual synchrony collapses when members sleep. We have not built that.",
      ],
    };
  },
};

// ---- Runs ------------------------------------------------------------------------------------------------------

/** What the receivers that do not sleep got within `seconds` seconds, and what it took. */
export function throughput({ receivers, sleepers, sleepProbability, gossips, seed, seconds }: Task): Sample {
  const random = seededRandom(hashNumbers([seed, 1]));
  const rows = Array.from({ length: receivers }, (_, i) => i + 1);
  const sleeping = new Set(sample(rows, Math.round(receivers * sleepers), random));
  const ends = warmUpMs + 1000 * seconds;
  const onTime = new Float64Array(receivers + 1);
  const inSecond = Array.from({ length: receivers + 1 }, () => new Uint32Array(seconds));
  const delays = new Moments();
  const group = new BimodalGroup({
    ...{ seed, nodes: receivers + 1, gossips },
    options: { digestRounds },
    links: { latency: { model: "uniform", fromMs: 1, toMs: 5 } },
    onDelivered: (row, message, at) => {
      const delay = at - message.at;
      if (message.at >= warmUpMs && message.at < ends && delay <= lateMs) onTime[row]!++;
      if (at >= warmUpMs && at < ends) inSecond[row]![Math.floor((at - warmUpMs) / 1000)]!++;
      if (at >= warmUpMs && !sleeping.has(row)) delays.add(delay);
    },
  });
  const { simulation, members } = group;
  for (let at: Millis = 0; at < ends; at += 1000 / sentPerSecond) group.publish(0, at);
  for (const row of sleeping) {
    const turn = () => {
      if (random.unit() < sleepProbability) simulation.pause(row);
      else simulation.resume(row);
      simulation.at(simulation.time + intervalMs, turn);
    };
    simulation.at(random.below(intervalMs), turn);
  }
  simulation.run(warmUpMs - 1);
  const before = members.map(({ retransmissions }) => retransmissions);
  simulation.run(ends - 1);
  const solicited = members.map(({ retransmissions }, row) => retransmissions - before[row]!);
  // The last messages have their second, too.
  simulation.run(ends + lateMs);

  const healthy = rows.filter((row) => !sleeping.has(row));
  const counts = Moments.of(healthy.flatMap((row) => [...inSecond[row]!]));
  return {
    rate: Moments.of(healthy.map((row) => onTime[row]! / seconds)).toJSON(),
    spread: Moments.of([counts.standardDeviation]).toJSON(),
    delayMs: delays.toJSON(),
    retransmissions: Moments.of(solicited.map((count) => count / seconds)).toJSON(),
  };
}

function isSame(a: ThroughputConfiguration, b: ThroughputConfiguration): boolean {
  return (
    a.receivers === b.receivers &&
    a.sleepers === b.sleepers &&
    a.sleepProbability === b.sleepProbability &&
    a.gossips === b.gossips
  );
}

function merged(samples: readonly Sample[]): Sample {
  const of = (figure: keyof Sample) => {
    const all = new Moments();
    for (const sample of samples) all.merge(Moments.from(sample[figure]));
    return all.toJSON();
  };
  const [rate, spread, delayMs, retransmissions] = figures.map(of) as [
    MomentsState,
    MomentsState,
    MomentsState,
    MomentsState,
  ];
  return { rate, spread, delayMs, retransmissions };
}

// ---- Rows ------------------------------------------------------------------------------------------------------

const names: Readonly<Record<keyof Sample, string>> = {
  rate: "messages/s of a healthy receiver",
  spread: "their deviation by seconds",
  delayMs: "delay (ms)",
  retransmissions: "solicited copies/s of a node",
};

function nameOf({ receivers, sleepers, sleepProbability, gossips }: ThroughputConfiguration): string {
  const often = sleepProbability === usual.sleepProbability ? "" : ` with ${sleepProbability}`;
  const name = `${receivers} receivers, ${Math.round(100 * sleepers)} % sleep${often}`;
  return gossips ? name : `${name}, tree alone`;
}

function rowsOf(
  configuration: ThroughputConfiguration,
  measured: Sample,
  undisturbed: Sample | undefined,
): ReproductionRow[] {
  const isGated = groups.some((one) => isSame(one, configuration));
  return figures.map((figure) => {
    const gate = isGated ? gateOf(figure, configuration, undisturbed) : undefined;
    return {
      of: nameOf(configuration),
      figure: names[figure],
      ...(figure === "rate" && { theory: sentPerSecond }),
      measured: measured[figure],
      ...(gate !== undefined && { gate }),
    };
  });
}

/** How much less than without sleepers it may be. */
const flatness = 0.02;

function gateOf(
  figure: keyof Sample,
  { sleepers }: ThroughputConfiguration,
  undisturbed: Sample | undefined,
): Gate | undefined {
  if (figure === "retransmissions")
    return { low: 0, high: sentPerSecond, why: "bounded: each message once to each receiver" };
  if (figure !== "rate" || undisturbed === undefined) return undefined;
  const { mean } = undisturbed.rate;
  return sleepers === 0
    ? { low: sentPerSecond * 0.999, high: sentPerSecond, why: "what is sent, to one message of 1000" }
    : { low: mean * (1 - flatness), high: mean * (1 + flatness), why: "flat: ±2 % of that with 0 % asleep" };
}

// ---- Chart -----------------------------------------------------------------------------------------------------

function rateChart(of: (configuration: ThroughputConfiguration) => Sample | undefined): Chart {
  const seriesOf = (receivers: number, color: number): Series => {
    const samples = shares.map((sleepers) => of({ receivers, sleepers, ...usual }));
    const edge = (side: 1 | -1) =>
      samples.map((one) => (one === undefined ? null : one.rate.mean + side * one.spread.mean));
    return {
      ...{ label: `${receivers} receivers`, style: "points", color },
      values: samples.map((one) => one?.rate.mean ?? null),
      interval: { low: edge(-1), high: edge(1) },
    };
  };
  return {
    id: "bimodal-throughput",
    title: "Bimodal: throughput while receivers sleep",
    note: "What comes within a second to receivers that do not sleep. Whiskers: one standard deviation of what comes in a second, to each side.",
    x: { label: "receivers that sleep (%)" },
    y: { label: "messages per second", reachesTo: 130 },
    at: shares.map((share) => 100 * share),
    series: [
      { label: "sent", style: "line", color: 4, values: shares.map(() => sentPerSecond) },
      ...[32, 64, 96, 128].map(seriesOf),
    ],
  };
}
