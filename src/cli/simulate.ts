import { writeFileSync } from "node:fs";
import { Command, Option } from "commander";
import pc from "picocolors";
import { UsageError } from "../core/index.ts";
import { type RumorOptions, rumorOptions } from "../dissemination/index.ts";
import {
  type BatchConfig,
  type BatchProgress,
  batchReport,
  findScenario,
  htmlReport,
  inputsOf,
  lineOf,
  mergeResultLines,
  namedSeeds,
  type ParameterName,
  type Preset,
  presetNamed,
  presets,
  programVersion,
  quoted,
  ResultFile,
  readResultLines,
  runBatch,
  type Shard,
  type SimulationParameters,
  type SimulationResult,
  scenarios,
  spreadingLine,
  tableOf,
} from "../lab/index.ts";
import { type NodeOptions, parseDuration, tunables } from "../node/index.ts";
import { type RoundSemantics, roundSemantics } from "../simulator/index.ts";
import { guardOutput } from "./api-client.ts";
import { exitWhenPrinted } from "./exit.ts";
import { addLinkOptions, type LinkOptions, readLinks } from "./link-options.ts";
import { wholeNumber } from "./numbers.ts";
import { checkWritable, unwritable } from "./output-file.ts";
import { Progress } from "./progress.ts";
import { stopSignal } from "./stop-signal.ts";
import { addTunables, readTunables, tunablesOf } from "./tunable-options.ts";

interface SimulateOptions extends LinkOptions {
  readonly nodes?: number;
  readonly seed: number;
  readonly runs: number;
  readonly threads?: number;
  readonly shard?: Shard;
  readonly output?: string;
  readonly merge?: readonly string[];
  readonly json?: boolean;
  readonly trace?: string;
  readonly html?: string;
  readonly limit?: number;
  readonly seeds?: number;
  readonly publishers?: number;
  readonly joinEvery?: number;
  readonly wireTrue?: boolean;
  readonly rounds?: RoundSemantics;
  readonly blind?: boolean;
  readonly k?: number;
  readonly sends?: number;
  readonly fanout?: number;
  readonly timing?: RumorOptions["timing"];
}

const interrupted = 130;

/** Sections of tunables that are about sockets, of which a simulation has none. */
const aboutSockets = ["links", "wire", "transport", "datagrams"];

const presetList = presets.map(({ name, description }) => `  ${name.padEnd(12)} ${description}`).join("\n");
const scenarioNames = scenarios.map(({ name }) => name).join(", ");

export function simulateCommand(): Command {
  const command = new Command("simulate")
    .description(
      "Run the protocols in virtual time: once or many times on all cores, up to millions of nodes",
    )
    .argument("[preset]", "what to simulate: one of the list below, the name of a scenario, or its file")
    .option("--nodes <number>", "how many nodes (default: by preset)", wholeNumber("--nodes", 2, 2 ** 28))
    .option("--seed <number>", "of the first run; the others follow", wholeNumber("--seed", 0, 2 ** 48), 1)
    .option(
      "--runs <number>",
      "how many runs, each with a seed of its own",
      wholeNumber("--runs", 1, 10_000_000),
      1,
    )
    .option(
      "--threads <number>",
      "runs at the same time (default: one for each core, as far as memory reaches)",
      wholeNumber("--threads", 1, 1024),
    )
    .option("--limit <duration>", "virtual time after which a run that has not ended is ended", (text) =>
      parseDuration("--limit", text),
    )
    .option("--json", "print one JSON object and nothing else")
    .option("--html <file>", "write a report with charts: one file that opens offline")
    .option("--trace <file>", "write every event of the one run as a line of JSON")
    .option(
      "--output <file>",
      "add each result as a line of JSON; a run whose line is there is not run again",
    )
    .option("--shard <i/n>", "run part i of n only; without --output its lines are printed", parseShard)
    .option("--merge <files...>", "run nothing: put together what --output has left in these files");
  addClassicOptions(command);
  addRumorOptions(command);
  addLinkOptions(command);
  return addTunables(command, aboutSockets)
    .addHelpText(
      "after",
      `
Presets:
${presetList}
Scenarios: ${scenarioNames}, or a file.

The tunables of the parts (from Generated messages to Seeds) are for classic, modern and scenarios. Rumors take of them
--interval, the time between two calls of a node (default: 1s), --mode (push), --stop (never), --stop-after (2),
--feedback (true), --minimise (false), --connection-limit (0) and --hunt-limit (0).

The same seed gives the same run, event for event, on any machine and with any number of threads: the same traceHash.
The exit code is 0 only if each run came to its end: everything delivered, or a rumor that has run its course.

Examples:
  $ grapevine simulate classic --nodes 1000 --html report.html
  $ grapevine simulate classic --nodes 10000 --seed 1 --json
  $ grapevine simulate modern --nodes 1000
  $ grapevine simulate push --nodes 1000000 --latency log-normal:50ms:0.5 --loss 1%
  $ grapevine simulate push-pull --rounds synchronous --nodes 10000000
  $ grapevine simulate rumor --loss 50%                   twice the rounds: theory is printed beside the figures
  $ grapevine simulate rumor --stop counter -k 2 --rounds synchronous --nodes 1000 --runs 100
  $ grapevine simulate push --sends 3 --runs 100         how many never hear it, with an interval
  $ grapevine simulate crash --nodes 200 --runs 20       a scenario with other seeds
  $ grapevine simulate push --runs 1000 --shard 2/4 --output part2.ndjson
  $ grapevine simulate --merge part1.ndjson part2.ndjson part3.ndjson part4.ndjson
`,
    )
    .action(async (what: string | undefined, options: SimulateOptions) => {
      guardOutput();
      if (options.merge !== undefined) return merge(what, options.merge, options);
      if (what === undefined) return command.help();
      await simulate(what, options);
    });
}

function addClassicOptions(command: Command): void {
  command
    .optionsGroup("Classic and modern networks:")
    .option("--seeds <number>", "seeds (default: 6)", wholeNumber("--seeds", 1, 1000))
    .option(
      "--publishers <number>",
      "peers that publish, drawn by the seed (default: 10)",
      wholeNumber("--publishers", 0, 2 ** 28),
    )
    .option("--join-every <duration>", "a peer joins so long after the one before (default: 1ms)", (text) =>
      parseDuration("--join-every", text),
    )
    .option("--wire-true", "write and read every message with the codec of the wire; counts bytes")
    .optionsGroup("Options:");
}

function addRumorOptions(command: Command): void {
  const { stopAfter, fanout, timing } = rumorOptions.specs;
  command
    .optionsGroup("Rumors:")
    .addOption(
      new Option(
        "--rounds <kind>",
        "rounds instead of events; what a round is changes the answer, so the result names it",
      ).choices(roundSemantics as readonly string[]),
    )
    .option("--blind", "short for --feedback false")
    .option("-k <number>", "short for --stop-after <number>", wholeNumber("-k", 1, stopAfter.max!))
    .option(
      "--sends <number>",
      "short for --stop counter --blind --stop-after <number>: a node is removed after so many copies",
      wholeNumber("--sends", 1, stopAfter.max!),
    )
    .option(
      "--fanout <number>",
      `${fanout.description} (default: 1)`,
      wholeNumber("--fanout", 1, fanout.max!),
    )
    .addOption(
      new Option("--timing <kind>", `${timing.description} (default: ${timing.default})`).choices(
        timing.choices as readonly string[],
      ),
    )
    .optionsGroup("Options:");
}

// ---- From options to a batch -----------------------------------------------------------------------------------

async function simulate(what: string, options: SimulateOptions): Promise<void> {
  const config = batchOf(what, options);
  const inputs = inputsOf(config);
  if (options.html !== undefined) checkWritable("--html", options.html);
  const lines = options.output === undefined ? undefined : new ResultFile(options.output);
  // A part of a batch says what it has found in lines, not in a table.
  const printsLines = options.shard !== undefined && lines === undefined;
  const controller = new AbortController();
  void stopSignal().then(() => controller.abort());
  const progress = new Progress({
    isOn: options.json !== true,
    whole: inputs.length,
    shown: (done) => shownProgress(done, inputs.length),
  });
  const startedAt = performance.now();
  const { results } = await runBatch({
    ...config,
    isKnown: (input) => lines?.find(input) !== undefined,
    tracePath: options.trace,
    signal: controller.signal,
    onProgress: (now) => progress.draw(now.done, noteOf(now, performance.now() - startedAt)),
    onResult: (result) => {
      lines?.add(result);
      if (printsLines) process.stdout.write(lineOf(result));
    },
  });
  progress.end();
  lines?.close();
  const bySeed = new Map(results.map((result) => [result.seed, result]));
  const all = inputs.flatMap((input) => bySeed.get(input.seed) ?? lines?.find(input) ?? []);
  if (!printsLines) finish(all.length === 0 ? [] : [all], options, inputs.length, controller.signal.aborted);
  process.exitCode = controller.signal.aborted ? interrupted : all.every(({ ok }) => ok) ? 0 : 1;
  exitWhenPrinted();
}

function batchOf(what: string, options: SimulateOptions): BatchConfig {
  const { seed, runs, threads, shard } = options;
  const scenario = presets.some(({ name }) => name === what) ? undefined : scenarioNamed(what);
  const preset = presetNamed(scenario === undefined ? what : "scenario");
  const parameters = { ...parametersOf(preset, options), scenario };
  const nodes = options.nodes ?? scenario?.network?.peers ?? preset.defaultNodes;
  return { preset: preset.name, nodes, parameters, seed, runs, threads, shard };
}

function scenarioNamed(what: string) {
  try {
    return findScenario(what);
  } catch (error) {
    if (!(error instanceof UsageError) || !error.message.startsWith("scenario: there is no")) throw error;
    const names = presets.map(({ name }) => name).join(", ");
    throw new UsageError(
      `simulate: there is no "${what}"; there are the presets ${names}, the scenarios ${scenarioNames}, or name a file`,
    );
  }
}

/** Where each parameter comes from, so that one that means nothing is refused by the name that the user knows. */
const flags: Readonly<Partial<Record<ParameterName, readonly string[]>>> = {
  links: ["--transport", "--latency", "--loss", "--duplication", "--reordering"],
  limitMs: ["--limit"],
  isWireTrue: ["--wire-true"],
  seeds: ["--seeds"],
  publishers: ["--publishers"],
  joinEveryMs: ["--join-every"],
  rumor: ["--blind", "-k", "--sends", "--fanout", "--timing"],
  rounds: ["--rounds"],
  options: ["tunables such as --ping-interval"],
};

/** Tunables of live nodes that mean the same to a rumor: by their names there, what they are called here. */
const ofBoth = {
  mode: "mode",
  stop: "stop",
  stopAfter: "stopAfter",
  hasFeedback: "hasFeedback",
  isMinimised: "isMinimised",
  connectionLimit: "connectionLimit",
  huntLimit: "huntLimit",
} as const satisfies Partial<Record<keyof NonNullable<NodeOptions["broadcast"]>, keyof RumorOptions>>;

function parametersOf(preset: Preset, options: SimulateOptions): SimulationParameters {
  const isRumor = preset.takes.includes("rumor");
  const read = isRumor ? tunablesOf : readTunables;
  const { rumor, tunables: given } = divided(
    read(options as unknown as Record<string, unknown>),
    isRumor,
    options,
  );
  const parameters: SimulationParameters = {
    links: readLinks(options),
    limitMs: options.limit,
    isWireTrue: options.wireTrue,
    seeds: options.seeds,
    publishers: options.publishers,
    joinEveryMs: options.joinEvery,
    options: given,
    rumor,
    rounds: options.rounds,
  };
  for (const [name, value] of Object.entries(parameters) as [ParameterName, unknown][]) {
    if (value === undefined || preset.takes.includes(name)) continue;
    const known = Object.entries(flags).flatMap(([taken, names]) =>
      preset.takes.includes(taken as ParameterName) ? names : [],
    );
    const unwanted =
      name === "options" ? tunablesIn(given!) : flags[name]!.filter((flag) => isGiven(flag, options));
    throw new UsageError(
      `${unwanted.join(", ")}: ${unwanted.length > 1 ? "mean" : "means"} nothing to ${preset.name}, which takes ${known.join(", ")}`,
    );
  }
  return parameters;
}

function isGiven(flag: string, options: SimulateOptions): boolean {
  const name = flag.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return (options as unknown as Record<string, unknown>)[name] !== undefined;
}

function tunablesIn(given: NodeOptions): string[] {
  const sections = given as Readonly<Record<string, object | undefined>>;
  return tunables.flatMap(({ section, name, flag }) =>
    Object.hasOwn(sections[section] ?? {}, name) ? [`--${flag}`] : [],
  );
}

/** Options that are of both: `--interval`, the pause of a source or between calls, and how a rumor is spread. */
function divided(
  given: NodeOptions,
  isRumor: boolean,
  options: SimulateOptions,
): { readonly rumor: Partial<RumorOptions> | undefined; readonly tunables: NodeOptions | undefined } {
  const { fanout, timing } = options;
  const rumor: Record<string, unknown> = { ...interestOf(options), fanout, timing };
  const rest: Record<string, object | undefined> = { ...given };
  if (isRumor) {
    const { intervalMs, ...source } = given.source ?? {};
    const broadcast: Record<string, unknown> = { ...given.broadcast };
    for (const [there, here] of Object.entries(ofBoth)) {
      if (broadcast[there] === undefined) continue;
      if (rumor[here] !== undefined)
        throw new UsageError(
          `--blind, -k and --sends: ${here} is given in full as well; leave out one of them`,
        );
      rumor[here] = broadcast[there];
      delete broadcast[there];
    }
    rumor["intervalMs"] = intervalMs;
    Object.assign(rest, { source, broadcast });
    checkStops(rumor as Partial<RumorOptions>);
  }
  const named = Object.entries(rumor).filter(([, value]) => value !== undefined);
  const hasTunables = Object.values(rest).some((section) => Object.keys(section ?? {}).length > 0);
  return {
    rumor: named.length === 0 ? undefined : Object.fromEntries(named),
    tunables: hasTunables ? (rest as NodeOptions) : undefined,
  };
}

/** The short names of how spreaders lose interest. */
function interestOf({ blind, k, sends }: SimulateOptions): Partial<RumorOptions> {
  if (sends === undefined)
    return { ...(blind === true && { hasFeedback: false }), ...(k !== undefined && { stopAfter: k }) };
  if (blind === true || k !== undefined)
    throw new UsageError(
      `--sends: is short for --stop counter --blind -k ${sends}; leave out ${k === undefined ? "--blind" : "-k"}`,
    );
  return { stop: "counter", hasFeedback: false, stopAfter: sends };
}

function checkStops({ stop = "never", stopAfter, hasFeedback }: Partial<RumorOptions>): void {
  if (stop !== "never") return;
  const idle = stopAfter !== undefined ? "-k" : hasFeedback !== undefined ? "--feedback" : undefined;
  if (idle !== undefined)
    throw new UsageError(
      `${idle}: means nothing to a rumor that never stops; add --stop coin or --stop counter`,
    );
}

function parseShard(text: string): Shard {
  const match = /^(\d+)\/(\d+)$/.exec(text.trim());
  const [index, count] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || index < 1 || index > count)
    throw new UsageError(`--shard: "${text}" is no part; write 1/4 for the first of four, up to 4/4`);
  return { index, count };
}

// ---- Putting together what there is ----------------------------------------------------------------------------

function merge(what: string | undefined, files: readonly string[], options: SimulateOptions): void {
  if (what !== undefined)
    throw new UsageError(`--merge: runs nothing, so leave out "${what}", or name it as a file after --merge`);
  if (options.html !== undefined) checkWritable("--html", options.html);
  const batches = mergeResultLines(files.flatMap(readResultLines)).map((lines) =>
    lines.map(({ result }) => result),
  );
  if (batches.length === 0) throw new UsageError(`--merge: there is no result in ${files.join(", ")}`);
  finish(batches, options, Math.max(2, batches.flat().length));
  process.exitCode = batches.flat().every(({ ok }) => ok) ? 0 : 1;
}

/** Prints and writes what the user asked for. */
function finish(
  batches: readonly (readonly SimulationResult[])[],
  { json, html }: SimulateOptions,
  runs: number,
  isStopped = false,
): void {
  if (html !== undefined && batches.length > 0) {
    const command = ["npx grapevine", ...process.argv.slice(2).map(quoted)].join(" ");
    const page = htmlReport({ batches, command, version: programVersion });
    try {
      writeFileSync(html, page);
    } catch (error) {
      throw unwritable("--html", html, error);
    }
  }
  if (json === true) {
    // One run that was asked for is its own report.
    const reports = runs === 1 ? batches.flat() : batches.map((results) => batchReport(results));
    process.stdout.write(`${JSON.stringify(reports.length === 1 ? reports[0] : reports)}\n`);
    return;
  }
  if (batches.length === 0) process.stdout.write("ended before the first run had a result\n");
  for (const results of batches) process.stdout.write(`${described(results)}\n`);
  const have = batches.flat().length;
  if (isStopped && runs > 1 && have > 0)
    process.stdout.write(
      pc.yellow(`stopped: ${have.toLocaleString("en")} of ${runs.toLocaleString("en")} runs\n`),
    );
  if (html !== undefined && batches.length > 0) process.stdout.write(`report in ${html}\n`);
}

// ---- Words -----------------------------------------------------------------------------------------------------

function shownProgress(done: number, runs: number): string {
  if (runs === 1) return `${Math.floor(100 * done)} %`;
  return `${Math.floor(done).toLocaleString("en")} of ${runs.toLocaleString("en")} runs`;
}

function noteOf({ events, virtualMs, runs }: BatchProgress, wallMs: number): string {
  const rate = `${compact((1000 * events) / Math.max(1, wallMs))} events/s`;
  return runs === 1 ? `${rate}, ${(virtualMs / 1000).toFixed(1)} s virtual` : rate;
}

function compact(value: number): string {
  return value.toLocaleString("en", { notation: "compact", maximumFractionDigits: 1 });
}

function described(results: readonly SimulationResult[]): string {
  const report = batchReport(results);
  const { preset, nodes, runs, ok, seeds, traceHash, engine, semantics, parameters } = report;
  const name = parameters.scenario?.name ?? preset;
  const how = engine === "rounds" ? `, ${semantics} rounds` : "";
  const which = `${runs === 1 ? "" : `${runs} runs, `}${namedSeeds({ runs, seeds })}`;
  const lines = [
    `${pc.bold(name)}, ${nodes.toLocaleString("en")} nodes${how}, ${which}: ${verdictOf(results, ok)}`,
    ...aligned(tableOf(report)).map((row, i) => `  ${i === 0 ? pc.dim(row) : row}`),
    ...formulasOf(results[0]!).map(([figure, formula]) => `  predicted.${figure}: ${formula}`),
    `  hash ${traceHash}`,
  ];
  const [only] = results;
  if (runs === 1 && only !== undefined && "spreading" in only && only.spreading !== undefined)
    lines.push(`  ${spreadingLine(only.spreading)}`);
  const fit = runs === 1 ? only?.degrees?.fit : undefined;
  if (fit !== undefined) lines.push(`  degrees fit best: ${fit.best} (asked for: ${only!.degrees!.law})`);
  return lines.join("\n");
}

/** By which the predicted figures were computed. */
function formulasOf(result: SimulationResult): [figure: string, formula: string][] {
  return "predicted" in result ? Object.entries(result.predicted?.formulas ?? {}) : [];
}

function verdictOf(results: readonly SimulationResult[], ok: number): string {
  const [only] = results as [SimulationResult];
  const { ending, ratio } = only;
  if (results.length > 1) {
    const text = `${ok} of ${results.length} ended as they should`;
    return ok === results.length ? pc.green(text) : pc.red(text);
  }
  const isEmpty = "expected" in only && only.expected === 0;
  const reached = isEmpty
    ? "nothing was to be delivered"
    : `${(100 * ratio).toFixed(ratio === 1 ? 0 : 2)} % reached`;
  const endings = {
    complete: "complete",
    quiet: "it has run its course",
    limit: "not complete",
    stopped: "stopped",
  };
  const text = `${endings[ending]}, ${reached}`;
  return ok === 1 ? pc.green(text) : pc.red(text);
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd(),
  );
}
