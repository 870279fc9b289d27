/**
 * Rumor mongering among 1000 sites in synchronous cycles: the residue s, the traffic m and the delays of tables 1 and 2
 * of Demers et al. 1987, by default; table 3 and every other combination of its rules by flags.
 *
 * The same `Rumor` and the same rounds for all of them: what differs are its options.
 */
import { hashNumbers, Moments, type MomentsState, UsageError } from "../../core/index.ts";
import { Rumor, type RumorMode, type RumorOptions, type RumorStop } from "../../dissemination/index.ts";
import { runRounds } from "../../simulator/index.ts";
import {
  blindChainReach,
  blindCoinResidue,
  infectAndDieResidue,
  residueOfLimitedTraffic,
  residueOfTraffic,
  sirResidue,
} from "../../theory/index.ts";
import type { Chart, Series } from "../simulate/charts.ts";
import type { Experiment, Gate, ReproductionInput, ReproductionRow } from "./experiment.ts";
import { gateAround } from "./gates.ts";
import { measuredSeries } from "./measured-series.ts";
import { type Piece, pieces } from "./pieces.ts";

type Figure = "residue" | "traffic" | "last" | "average";
const figures: readonly Figure[] = ["residue", "traffic", "last", "average"];
const figureNames: Readonly<Record<Figure, string>> = {
  residue: "residue s",
  traffic: "traffic m (copies per site)",
  last: "t_last (cycles)",
  average: "t_ave (cycles)",
};

/** A rule for losing interest; its table is printed beside what is measured under it. */
interface Variant {
  readonly stop: Exclude<RumorStop, "never">;
  readonly hasFeedback: boolean;
}

interface Configuration {
  readonly mode: RumorMode;
  readonly variant: Variant;
  readonly nodes: number;
  readonly connectionLimit: number;
  readonly huntLimit: number;
  readonly isMinimised: boolean;
  readonly k: number;
}

/** One run is one rumor. */
interface Task extends Configuration, Piece {
  readonly seed: number;
}

type Sample = Readonly<Record<Figure, MomentsState>>;

/** About half a second. */
const runsPerTask = 1000;

// ---- The paper --------------------------------------------------------------------------------------------------

interface Table {
  readonly name: string;
  readonly mode: RumorMode;
  readonly variant: Variant;
  readonly published: Readonly<Record<Figure, readonly number[]>>;
  /**
   * As others have measured it with these rules, with more digits than the paper; nothing for table 3. Each is the mean
   * of 2,000 runs or more.
   */
  readonly reproduced?: Readonly<Record<"residue" | "traffic" | "last", readonly string[]>>;
}

const tables: readonly Table[] = [
  {
    name: "table 1",
    mode: "push",
    variant: { stop: "counter", hasFeedback: true },
    published: {
      residue: [0.18, 0.037, 0.011, 0.0036, 0.0012],
      traffic: [1.7, 3.3, 4.5, 5.6, 6.7],
      average: [11.0, 12.1, 12.5, 12.7, 12.8],
      last: [16.8, 16.9, 17.4, 17.5, 17.7],
    },
    reproduced: {
      residue: [".174", ".0368", ".0107", ".0035", ".0013"],
      traffic: ["1.75", "3.30", "4.53", "5.64", "6.68"],
      last: ["16.8", "17.0", "17.3", "17.5", "17.75"],
    },
  },
  {
    name: "table 2",
    mode: "push",
    variant: { stop: "coin", hasFeedback: false },
    published: {
      residue: [0.96, 0.2, 0.06, 0.021, 0.008],
      traffic: [0.04, 1.6, 2.8, 3.9, 4.9],
      average: [19, 17, 15, 14.1, 13.8],
      last: [38, 33, 32, 32, 32],
    },
    reproduced: {
      residue: [".960", ".205", ".0602", ".0199", ".0076"],
      traffic: [".040", "1.59", "2.82", "3.92", "4.96"],
      last: ["38.9", "32.8", "31.6", "32.2", "32.3"],
    },
  },
  {
    name: "table 3",
    mode: "pull",
    variant: { stop: "counter", hasFeedback: true },
    published: {
      residue: [3.1e-2, 5.8e-4, 4e-6],
      traffic: [2.7, 4.5, 6.1],
      average: [9.97, 10.07, 10.08],
      last: [17.6, 15.4, 14.0],
    },
  },
];

/** The table of this configuration, if the paper has one. */
function tableOf({ mode, variant, nodes, connectionLimit, isMinimised }: Configuration): Table | undefined {
  if (nodes !== 1000 || connectionLimit > 0 || isMinimised) return undefined;
  return tables.find(
    (table) =>
      table.mode === mode &&
      table.variant.stop === variant.stop &&
      table.variant.hasFeedback === variant.hasFeedback,
  );
}

const runsOfReference = 2000;

/** What was measured before, as wide as its own sampling and ours make it. */
function gateOf(configuration: Configuration, figure: Figure, measured: MomentsState): Gate | undefined {
  if (figure === "average") return undefined;
  const text = tableOf(configuration)?.reproduced?.[figure][configuration.k - 1];
  if (text === undefined) return undefined;
  const digits = text.length - text.indexOf(".") - 1;
  const deviation = Moments.from(measured).standardDeviation;
  const sampling = 3 * (deviation / Math.sqrt(runsOfReference));
  // Without feedback a rumor may die out at once. Once in 2,000 runs is often enough to move a mean by 1/2,000, and too
  // seldom to be seen in the deviation.
  const extinction = figure === "residue" && !configuration.variant.hasFeedback ? 1 / runsOfReference : 0;
  return gateAround({
    expected: Number(text),
    source: "reproduced with these rules before (more digits than the paper)",
    measured,
    slack: 0.5 / 10 ** digits + sampling + extinction,
    slackWhy: `half of its last digit, 3 standard errors of its own ${runsOfReference} runs${extinction > 0 ? ", and one of these that died out" : ""}`,
  });
}

// ---- The experiment ---------------------------------------------------------------------------------------------

export const demers1987Experiment: Experiment<Task, Sample> = {
  name: "demers-1987",
  description: "Rumor mongering: residue, traffic and delay of blind and feedback, coin and counter",
  source: 'Demers et al. 1987, "Epidemic algorithms for replicated database maintenance", 1.4, tables 1 to 3',
  defaultRuns: 5000,
  quickRuns: 100,
  flags: [
    {
      name: "direction",
      description: "who calls: those who know, those who may not, or both",
      default: "push",
      choices: ["push", "pull", "push-pull"],
    },
    {
      name: "stop",
      description:
        "how interest is lost; published: as in the tables of that direction, feedback and counter, and for push blind and coin",
      default: "published",
      choices: ["published", "counter", "coin"],
    },
    {
      name: "feedback",
      description: "only useless contacts count (--feedback), or all (--no-feedback, --blind)",
      default: true,
    },
    { name: "blind", description: "every contact counts", default: false },
    {
      name: "connection-limit",
      description: "calls that a site accepts in a cycle; 0: all",
      default: 0,
      min: 0,
      max: 65_535,
    },
    { name: "hunt-limit", description: "others that a refused caller tries", default: 0, min: 0, max: 1000 },
    {
      name: "minimise",
      description: "push-pull: where both know, only the smaller counter grows",
      default: false,
    },
    { name: "nodes", description: "sites", default: 1000, min: 2, max: 1_000_000 },
    { name: "k", description: "the k of coin and counter: 2, or 1..5", default: "1..5" },
  ],

  plan: (input) =>
    configurationsOf(input).flatMap((configuration) =>
      pieces(input.runs, runsPerTask).map(
        (piece): Task => ({ ...configuration, seed: input.seed, ...piece }),
      ),
    ),

  measure: (task) => {
    const sums = {
      residue: new Moments(),
      traffic: new Moments(),
      last: new Moments(),
      average: new Moments(),
    };
    const { seed, k, nodes, variant } = task;
    const rule = (variant.stop === "coin" ? 2 : 0) + (variant.hasFeedback ? 1 : 0);
    for (let run = task.firstRun; run < task.firstRun + task.runs; run++) {
      const measured = spread(task, hashNumbers([seed, nodes, rule, k, run]));
      for (const figure of figures) sums[figure].add(measured[figure]);
    }
    const { residue, traffic, last, average } = sums;
    return {
      residue: residue.toJSON(),
      traffic: traffic.toJSON(),
      last: last.toJSON(),
      average: average.toJSON(),
    };
  },

  report: (input, tasks, samples) => {
    const configurations = configurationsOf(input);
    const measured = configurations.map((configuration) => merged(configuration, tasks, samples));
    return {
      rows: configurations.flatMap((configuration, i) => rowsOf(configuration, measured[i]!)),
      charts: [residueChart(configurations, measured), delayChart(configurations, measured)],
      notes: notesOf(configurations),
    };
  },
};

function configurationsOf({ flags }: ReproductionInput): Configuration[] {
  const mode = flags["direction"] as RumorMode;
  const hasFeedback = flags["feedback"] === true && flags["blind"] !== true;
  const stop = flags["stop"] as "published" | Variant["stop"];
  const variants: Variant[] =
    stop !== "published"
      ? [{ stop, hasFeedback }]
      : tables.flatMap((table) =>
          table.mode === mode && (hasFeedback || !table.variant.hasFeedback) ? [table.variant] : [],
        );
  if (variants.length === 0) variants.push({ stop: "counter", hasFeedback });
  const limits = {
    nodes: flags["nodes"] as number,
    connectionLimit: flags["connection-limit"] as number,
    huntLimit: flags["hunt-limit"] as number,
    isMinimised: flags["minimise"] as boolean,
  };
  const configurations = variants.flatMap((variant) =>
    rangeOf(String(flags["k"])).map((k) => ({ mode, variant, ...limits, k })),
  );
  // So that what cannot be is refused here, and not in a thread.
  for (const one of configurations) new Rumor({ rows: 2, options: optionsOf(one) });
  return configurations;
}

/** `3` or `1..5`. Throws `UsageError`. */
function rangeOf(text: string): number[] {
  const match = /^(\d+)(?:\.\.(\d+))?$/.exec(text.trim());
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? first);
  if (match === null || first < 1 || last < first || last > 100)
    throw new UsageError(`--k: "${text}" is no k from 1 to 100; write 2, or 1..5`);
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function optionsOf({
  mode,
  variant,
  k,
  connectionLimit,
  huntLimit,
  isMinimised,
}: Configuration): Partial<RumorOptions> {
  return { mode, ...variant, stopAfter: k, connectionLimit, huntLimit, isMinimised, isQuiet: true };
}

/** One rumor, until nobody spreads it any more. */
function spread(configuration: Configuration, seed: number): Record<Figure, number> {
  const { nodes } = configuration;
  const rumor = new Rumor({ rows: nodes, options: optionsOf(configuration) });
  rumor.infect(0);
  runRounds(rumor, { seed, semantics: "synchronous", isUntilQuiet: true });
  let last = 0;
  let sum = 0;
  for (const at of rumor.infectedAt) {
    if (at < 0) continue;
    if (at > last) last = at;
    sum += at;
  }
  return {
    residue: (nodes - rumor.informed) / nodes,
    traffic: rumor.copies / nodes,
    last,
    average: sum / rumor.informed,
  };
}

function merged(configuration: Configuration, tasks: readonly Task[], samples: readonly Sample[]): Sample {
  const { variant, k } = configuration;
  const sums = {
    residue: new Moments(),
    traffic: new Moments(),
    last: new Moments(),
    average: new Moments(),
  };
  tasks.forEach((task, i) => {
    const isOther =
      task.k !== k || task.variant.stop !== variant.stop || task.variant.hasFeedback !== variant.hasFeedback;
    if (isOther) return;
    for (const figure of figures) sums[figure].merge(Moments.from(samples[i]![figure]));
  });
  const { residue, traffic, last, average } = sums;
  return {
    residue: residue.toJSON(),
    traffic: traffic.toJSON(),
    last: last.toJSON(),
    average: average.toJSON(),
  };
}

// ---- The report -------------------------------------------------------------------------------------------------

function rowsOf(configuration: Configuration, measured: Sample): ReproductionRow[] {
  const table = tableOf(configuration);
  return figures.map((figure) => {
    const published = table?.published[figure][configuration.k - 1];
    const theory = theoryOf(configuration, figure, measured);
    const gate = gateOf(configuration, figure, measured[figure]);
    return {
      of: `${nameOf(configuration)}, k = ${configuration.k}`,
      figure: figureNames[figure],
      ...(published !== undefined && { published }),
      ...(theory !== undefined && { theory }),
      measured: measured[figure],
      ...(gate !== undefined && { gate }),
    };
  });
}

function nameOf(configuration: Configuration): string {
  const { mode, variant, connectionLimit, huntLimit, isMinimised } = configuration;
  const { stop, hasFeedback } = variant;
  const table = tableOf(configuration);
  return [
    ...(table === undefined ? [] : [table.name]),
    mode,
    hasFeedback ? "feedback" : "blind",
    stop,
    ...(isMinimised ? ["minimised"] : []),
    ...(connectionLimit > 0 ? [`connection limit ${connectionLimit}`, `hunt limit ${huntLimit}`] : []),
  ].join(", ");
}

/** s = e^-m with the measured m for all of push, and what the rule itself gives where it has a formula. */
function theoryOf(configuration: Configuration, figure: Figure, measured: Sample): number | undefined {
  const { mode, variant, k, nodes, connectionLimit, huntLimit } = configuration;
  if (mode !== "push" || figure !== "residue") return undefined;
  const traffic = measured.traffic.mean;
  if (connectionLimit > 0)
    return connectionLimit === 1 && huntLimit === 0 ? residueOfLimitedTraffic(traffic) : undefined;
  if (variant.hasFeedback) return variant.stop === "coin" ? sirResidue({ k }) : residueOfTraffic(traffic);
  if (variant.stop === "counter") return infectAndDieResidue({ fanout: k });
  return k === 1 ? 1 - blindChainReach({ n: nodes }) / nodes : blindCoinResidue({ k });
}

function notesOf(configurations: readonly Configuration[]): string[] {
  const [{ mode }] = configurations as [Configuration];
  return [
    "Synchronous cycles: all look at what was true before the cycle, so a site that learns it calls from the next cycle on, and is news to all who tell it in the same cycle.",
    "A useful contact sets the counter back to 0; without that table 1 does not come out (k = 2 would leave 0.048).",
    "Pull and push-pull: a site counts one contact for each cycle, useful if anybody needed the rumor; everybody asks, whether it knows the rumor or not.",
    "t_ave is the mean over those who heard it, the first one with 0. The published t_ave of tables 1 and 2 does not follow from that, while that of table 3 does; the paper defines it no further, so it has no gate.",
    "Theory for s: e^-m with the measured m for push with feedback and counter; the smaller solution of s = e^(-k(1-s)) for blind, of s = e^(-(k+1)(1-s)) for feedback and coin, which is about calls at random times (see sir-residue); for blind and coin with k = 1 a chain that ends where it meets itself.",
    ...(mode === "pull"
      ? [
          "The figures of table 3 are quoted from memory, so there are no gates: they are shown to be compared.",
        ]
      : []),
  ];
}

type Look = Pick<Series, "label" | "color">;

function groupsOf(configurations: readonly Configuration[], measured: readonly Sample[]) {
  const names = [...new Set(configurations.map(nameOf))];
  return names.map((name, color) => {
    const of = configurations.flatMap((one, i) =>
      nameOf(one) === name ? [{ one, sample: measured[i]! }] : [],
    );
    return { name, color, of };
  });
}

function residueChart(configurations: readonly Configuration[], measured: readonly Sample[]): Chart {
  const at = [...new Set(configurations.map(({ k }) => k))];
  return {
    id: "demers-1987-residue",
    title: "Residue: the share that never hears it",
    note: "More interest, less residue, and more traffic. For push the two go together as s = e^-m, whatever the rule.",
    x: { label: "k" },
    y: { label: "residue s", isLogarithmic: true },
    at,
    series: groupsOf(configurations, measured).flatMap(({ name, color, of }) => [
      ...pointsOf(
        { label: `${name}: published`, color },
        "dashed",
        of.map(({ one }) => tableOf(one)?.published.residue[one.k - 1]),
      ),
      ...pointsOf(
        { label: `${name}: theory`, color },
        "line",
        of.map(({ one, sample }) => theoryOf(one, "residue", sample)),
      ),
      measuredSeries(
        { label: `${name}: measured`, color },
        of.map(({ sample }) => positive(sample.residue)),
      ),
    ]),
  };
}

function delayChart(configurations: readonly Configuration[], measured: readonly Sample[]): Chart {
  const at = [...new Set(configurations.map(({ k }) => k))];
  return {
    id: "demers-1987-delay",
    title: "Delay: when the last site that hears it does",
    note: "Feedback and counters spread it faster than coins without feedback, and pull is faster still in the end.",
    x: { label: "k" },
    y: { label: "t_last (cycles)" },
    at,
    series: groupsOf(configurations, measured).flatMap(({ name, color, of }) => [
      ...pointsOf(
        { label: `${name}: published`, color },
        "dashed",
        of.map(({ one }) => tableOf(one)?.published.last[one.k - 1]),
      ),
      measuredSeries(
        { label: `${name}: measured`, color },
        of.map(({ sample }) => sample.last),
      ),
    ]),
  };
}

/** No series where there is nothing to show. */
function pointsOf(look: Look, style: Series["style"], values: readonly (number | undefined)[]): Series[] {
  if (values.every((value) => value === undefined)) return [];
  return [{ ...look, style, values: values.map((value) => value ?? null) }];
}

/** Logarithmic paper has no place for 0. */
function positive(state: MomentsState): MomentsState | undefined {
  return state.mean > 0 ? state : undefined;
}
