/**
 * Disjoint paths against nodes that misroute (Baumgart and Mies 2007): how often the nearest honest node is reached. The
 * lookups are those that run live; the model is `misroutedLookups`.
 *
 * One run is one network, with adversaries of its own and so many lookups.
 */
import { hashNumbers, Moments, type MomentsState, seededRandom, UsageError } from "../../core/index.ts";
import { disjointPathsSuccess, kademliaLookups, misroutedLookups } from "../../theory/index.ts";
import { type Misconduct, type MisroutedFigures, misroutedNetwork } from "../lookup/attacks.ts";
import type { Chart } from "../simulate/charts.ts";
import type { ExperimentFlag, ExperimentPart, ReproductionInput, ReproductionRow } from "./experiment.ts";
import { gateAround } from "./gates.ts";
import { measuredSeries } from "./measured-series.ts";
import { type Piece, pieces } from "./pieces.ts";

export const pathsFlags: readonly ExperimentFlag[] = [
  { name: "nodes", description: "nodes of a network", default: 1000, min: 2, max: 100_000 },
  { name: "k", description: "contacts in a bucket, and nodes in an answer", default: 8, min: 1, max: 32 },
  {
    name: "adversaries",
    description: "shares of nodes that misroute, with commas between",
    default: "0.1,0.2,0.5",
  },
  { name: "paths", description: "numbers of disjoint paths, with commas between", default: "1,4,8" },
  { name: "lookups", description: "lookups in each network", default: 60, min: 1, max: 10_000 },
];

interface Configuration {
  readonly conduct: Misconduct;
  readonly adversaries: number;
  readonly paths: number;
}

interface Task extends Configuration, Piece {
  readonly seed: number;
  readonly nodes: number;
  readonly k: number;
  readonly lookups: number;
}

type Sample = Readonly<Record<"success" | "asked", MomentsState>>;

/** So many take about a second. */
const runsPerTask = 12;

export const pathsPart: ExperimentPart<Task, Sample> = {
  plan: (input) => {
    const { seed, runs, flags } = input;
    const { nodes, k, lookups } = flags as { nodes: number; k: number; lookups: number };
    return configurationsOf(input).flatMap((configuration) =>
      pieces(Math.max(2, runs), runsPerTask).map((piece) => {
        return { ...configuration, ...piece, seed, nodes, k, lookups };
      }),
    );
  },

  measure: ({ seed, conduct, adversaries, paths, nodes, k, lookups, firstRun, runs }) => {
    const sums = { success: new Moments(), asked: new Moments() };
    for (let run = firstRun; run < firstRun + runs; run++) {
      const figures: MisroutedFigures = misroutedNetwork({
        ...{ seed: hashNumbers([seed, run, paths, conducts.indexOf(conduct), adversaries * 1000]) },
        ...{ nodes, k, lookups, paths, adversaries, conduct, alpha: 1, pace: "batches" },
      });
      sums.success.add(figures.success);
      sums.asked.add(figures.asked);
    }
    return { success: sums.success.toJSON(), asked: sums.asked.toJSON() };
  },

  report: (input, tasks, samples) => {
    const measured = (configuration: Configuration, figure: keyof Sample): MomentsState => {
      const all = new Moments();
      tasks.forEach((task, i) => {
        const { conduct, adversaries, paths } = task;
        const isSame = conduct === configuration.conduct && adversaries === configuration.adversaries;
        if (isSame && paths === configuration.paths) all.merge(Moments.from(samples[i]![figure]));
      });
      return all.toJSON();
    };
    const { nodes, k } = input.flags as { nodes: number; k: number };
    const { hops } = kademliaLookups({
      n: nodes,
      k,
      alpha: 1,
      random: seededRandom(hashNumbers([input.seed, 1])),
    });
    const models = modelsOf(input);
    return {
      rows: configurationsOf(input).flatMap((configuration) =>
        rowsOf(configuration, input, hops.mean, models, (figure) => measured(configuration, figure)),
      ),
      charts: [chartOf(input, models, (configuration) => measured(configuration, "success"))],
      notes: [
        `Published is 1-(1-(1-f)^h)^d with h = ${hops.mean.toFixed(2)}, the hops of the model without adversaries. It takes paths for independent; it is shown, and the model that is gated against draws them.`,
        "Success: the honest node nearest to the key was asked and answered, so that its records would be read. Each path asks one node at a time.",
        "Inventing adversaries name k nodes of their own nearer to the key than anybody, so a path is lost with the first of them; ids that are hashes of keys, and puzzles before them, are what makes that costly. Colluding ones name those of them that are nearest, useless ones nobody: a lookup goes around the latter, and gets around many of the former.",
      ],
    };
  },
};

const conducts: readonly Misconduct[] = ["inventing", "colluding", "useless"];

function configurationsOf({ flags }: ReproductionInput): Configuration[] {
  const shares = listOf(
    "adversaries",
    flags,
    (value) => value >= 0 && value < 1,
    "a share from 0 to below 1",
  );
  const paths = listOf(
    "paths",
    flags,
    (value) => Number.isInteger(value) && value >= 1 && value <= 64,
    "1 to 64",
  );
  const all = (conduct: Misconduct, adversaries: number) =>
    paths.map((number) => ({ conduct, adversaries, paths: number }));
  // The others are for comparison: at the share in the middle.
  const middle = shares[shares.length >> 1]!;
  return [
    ...shares.flatMap((share) => all("inventing", share)),
    ...all("colluding", middle),
    ...all("useless", middle),
  ];
}

function listOf(
  name: string,
  flags: ReproductionInput["flags"],
  isValid: (value: number) => boolean,
  rule: string,
): number[] {
  const texts = String(flags[name]).split(",");
  const values = texts.map(Number);
  const wrong = texts.find((text, i) => text.trim() === "" || !isValid(values[i]!));
  if (wrong !== undefined) throw new UsageError(`--${name}: "${wrong}" is not ${rule}`);
  return [...new Set(values)].sort((a, b) => a - b);
}

interface Model {
  readonly success: Moments;
  readonly queries: Moments;
}

type Models = (configuration: Pick<Configuration, "adversaries" | "paths">) => Model;

/** Each is drawn once. */
function modelsOf({ seed, flags }: ReproductionInput): Models {
  const { nodes, k } = flags as { nodes: number; k: number };
  const known = new Map<string, Model>();
  return ({ adversaries, paths }) => {
    const name = `${adversaries} ${paths}`;
    const model =
      known.get(name) ??
      misroutedLookups({
        ...{ n: nodes, k, paths, adversaries, lookups: 100, networks: 30 },
        random: seededRandom(hashNumbers([seed, 2, paths, adversaries * 1000])),
      });
    known.set(name, model);
    return model;
  };
}

function rowsOf(
  configuration: Configuration,
  { flags }: ReproductionInput,
  hops: number,
  models: Models,
  of: (figure: keyof Sample) => MomentsState,
): ReproductionRow[] {
  const { conduct, adversaries, paths } = configuration;
  const name = `${adversaries} ${conduct}, ${paths} ${paths === 1 ? "path" : "paths"}`;
  const [success, asked] = [of("success"), of("asked")];
  if (conduct !== "inventing")
    return [
      { of: name, figure: "success", measured: success },
      { of: name, figure: "nodes asked", measured: asked },
    ];
  const model = models(configuration);
  const expected = model.success.mean;
  return [
    {
      ...{ of: name, figure: "success", theory: expected, measured: success },
      published: disjointPathsSuccess({ adversaries, hops, paths }),
      gate: gateAround({
        ...{ expected, source: "model", measured: success },
        slack: 0.03 * expected + 4 * model.success.standardError,
        slackWhy: "3 % and four standard errors of the model",
        // All lookups of a few networks may succeed by chance.
        leastDeviation: Math.sqrt((expected * (1 - expected)) / Number(flags["lookups"])),
      }),
    },
    {
      ...{ of: name, figure: "nodes asked", theory: model.queries.mean, measured: asked },
      gate: gateAround({
        ...{ expected: model.queries.mean, source: "model", measured: asked },
        slack: 0.03 * model.queries.mean + 4 * model.queries.standardError,
        slackWhy: "3 % and four standard errors of the model",
      }),
    },
  ];
}

function chartOf(
  input: ReproductionInput,
  models: Models,
  measured: (configuration: Configuration) => MomentsState,
): Chart {
  const configurations = configurationsOf(input).filter(({ conduct }) => conduct === "inventing");
  const at = [...new Set(configurations.map(({ paths }) => paths))];
  const shares = [...new Set(configurations.map(({ adversaries }) => adversaries))];
  return {
    id: "s-kademlia-paths",
    title: "Lookups among adversaries that invent nearer nodes",
    note: "Each disjoint path is another chance to meet nobody hostile.",
    x: { label: "disjoint paths" },
    y: { label: "share of lookups that reach the nearest honest node", reachesTo: 1 },
    at,
    series: shares.flatMap((adversaries, i) => [
      {
        label: `model, ${adversaries} hostile`,
        style: "line" as const,
        color: i % 8,
        values: at.map((paths) => models({ adversaries, paths }).success.mean),
      },
      measuredSeries(
        { label: `measured, ${adversaries} hostile`, color: i % 8 },
        at.map((paths) => measured({ conduct: "inventing", adversaries, paths })),
      ),
    ]),
  };
}
