import { writeFileSync } from "node:fs";
import { Command } from "commander";
import pc from "picocolors";
import {
  cellsOf,
  commandOf,
  type Experiment,
  type ExperimentFlag,
  type ExperimentReport,
  experimentNamed,
  experimentReport,
  experiments,
  parseWords,
  programVersion,
  quoted,
  type ReproductionOutcome,
  reasonsOf,
  reproduce,
  reproductionPage,
  reproductionReport,
  rowHead,
  verdictOf,
} from "../lab/index.ts";
import { UsageError } from "../node/index.ts";
import { guardOutput } from "./api-client.ts";
import { exitWhenPrinted } from "./exit.ts";
import { wholeNumber } from "./numbers.ts";
import { checkWritable, unwritable } from "./output-file.ts";
import { Progress } from "./progress.ts";
import { stopSignal } from "./stop-signal.ts";

interface ReproduceOptions {
  readonly runs?: number;
  readonly seed: number;
  readonly threads?: number;
  readonly quick?: boolean;
  readonly list?: boolean;
  readonly json?: boolean;
  readonly html?: string;
}

type AnyExperiment = Experiment<any, any>;

const interrupted = 130;
/** Those about which nothing is said until they end. */
const columnsOfText = 2;

export function reproduceCommand(): Command {
  const command = new Command("reproduce")
    .description("Measure published results again: the paper, theory and the simulation side by side")
    .argument("[names...]", "which ones: names of the list below, or all; then their own flags")
    .usage("<name...|all> [options] [flags of the experiment]")
    .option(
      "--runs <number>",
      "of each configuration (default: by experiment)",
      wholeNumber("--runs", 1, 10_000_000),
    )
    .option("--seed <number>", "of the first run; the others follow", wholeNumber("--seed", 0, 2 ** 48), 1)
    .option(
      "--threads <number>",
      "worker threads (default: one for each core)",
      wholeNumber("--threads", 1, 1024),
    )
    .option("--quick", "a few runs only: seconds, and wide intervals")
    .option("--list", "say what there is, with sources and flags, and measure nothing")
    .option("--json", "print one JSON object and nothing else")
    .option("--html <file>", "write a page with plots: one file that opens offline")
    // What no option takes are names and flags of experiments.
    .allowUnknownOption()
    .addHelpText("after", ({ command: { args } }) => helpFor(args));
  return command.action(async (_names: readonly string[], options: ReproduceOptions) => {
    guardOutput();
    if (options.list === true) return list(options);
    if (command.args.length === 0 && command.parent!.args.length <= 1) return command.help();
    await measure(command.args, options);
  });
}

// ---- Running ---------------------------------------------------------------------------------------------------

async function measure(words: readonly string[], options: ReproduceOptions): Promise<void> {
  const { runs, seed, threads, quick, json, html } = options;
  const { names, flags } = parseWords(words, experiments);
  const chosen = chosenExperiments(names);
  if (quick === true && runs !== undefined)
    throw new UsageError("--quick: says how many runs, as --runs does; leave out one of them");
  if (html !== undefined) checkWritable("--html", html);
  const controller = new AbortController();
  void stopSignal().then(() => controller.abort());
  let progress: Progress | undefined;
  const outcomes = await reproduce({
    ...{ experiments: chosen, seed, runs, quick, flags, threads },
    signal: controller.signal,
    onProgress: ({ done, tasks, experiment }) => {
      progress ??= new Progress({
        isOn: json !== true,
        whole: tasks,
        shown: (value) => `${Math.floor(value).toLocaleString("en")} of ${tasks.toLocaleString("en")} pieces`,
      });
      progress.draw(done, experiment);
    },
  });
  progress?.end();
  const report = reproductionReport(
    outcomes,
    chosen.map(({ name }) => name),
  );
  if (html !== undefined && outcomes.length > 0) writePage(outcomes, html);
  if (json === true) process.stdout.write(`${JSON.stringify(report)}\n`);
  else {
    for (const outcome of outcomes) process.stdout.write(`${described(outcome)}\n\n`);
    process.stdout.write(`${summary(report.experiments, report.missing ?? [])}\n`);
    if (html !== undefined && outcomes.length > 0) process.stdout.write(`report in ${html}\n`);
  }
  process.exitCode = controller.signal.aborted ? interrupted : report.ok ? 0 : 1;
  exitWhenPrinted();
}

/** Each once, in the order of the words; `all` are all. Throws `UsageError`. */
function chosenExperiments(names: readonly string[]): readonly AnyExperiment[] {
  if (names.length === 0) throw new UsageError("name: lacks; say which experiment, or all");
  if (!names.includes("all")) return [...new Set(names)].map(experimentNamed);
  if (names.length > 1) throw new UsageError("name: all are all; leave out the others");
  return experiments;
}

function writePage(outcomes: readonly ReproductionOutcome[], path: string): void {
  const command = ["npx grapevine", ...process.argv.slice(2).map(quoted)].join(" ");
  try {
    writeFileSync(path, reproductionPage({ outcomes, command, version: programVersion }));
  } catch (error) {
    throw unwritable("--html", path, error);
  }
}

// ---- Words -----------------------------------------------------------------------------------------------------

function described(outcome: ReproductionOutcome): string {
  const report = experimentReport(outcome);
  const { name, source, runs, seed, rows, notes, wallMs } = report;
  const lines = [
    `${pc.bold(name)}: ${coloured(report)}`,
    pc.dim(
      `  ${source}; ${runs.toLocaleString("en")} ${runs === 1 ? "run" : "runs"} of each, seed ${seed}, ${(wallMs / 1000).toFixed(1)} s`,
    ),
    ...table([rowHead, ...rows.map(cellsOf)]).map((line, i) => {
      if (i === 0) return pc.dim(`  ${line}`);
      const row = rows[i - 1]!;
      if (row.gate === undefined) return `  ${line}`;
      return `  ${row.ok ? line.replace(/ok$/, pc.green) : pc.red(line)}`;
    }),
  ];
  // Whoever reads that a gate was left wants to know what it stood for.
  const reasons = report.ok ? reasonsOf(report).slice(0, 3) : failedReasons(report);
  for (const reason of reasons) lines.push(pc.dim(`  must lie in: ${reason}`));
  for (const note of notes) lines.push(pc.dim(`  ${note}`));
  if (!report.ok) lines.push(`  again: npx ${commandOf(outcome)}`);
  return lines.join("\n");
}

function failedReasons({ rows }: ExperimentReport): string[] {
  return rows.flatMap(({ of, figure, gate, ok }) =>
    ok || gate === undefined ? [] : [`${of}, ${figure}: ${gate.why}`],
  );
}

function coloured(report: ExperimentReport): string {
  if (report.rows.every(({ gate }) => gate === undefined)) return verdictOf(report);
  return (report.ok ? pc.green : pc.red)(verdictOf(report));
}

function summary(done: readonly ExperimentReport[], missing: readonly string[]): string {
  const failed = done.filter(({ ok }) => !ok).map(({ name }) => name);
  const many = done.length === 1 ? "1 experiment" : `${done.length} experiments`;
  const isGated = done.some(({ rows }) => rows.some(({ gate }) => gate !== undefined));
  const verdict = !isGated
    ? `${many}: nothing that must match`
    : failed.length === 0
      ? pc.green(`${many}: every figure that must match does`)
      : pc.red(`${many}: figures that must match and do not in ${failed.join(", ")}`);
  if (missing.length === 0) return verdict;
  const stopped = pc.yellow(`stopped: not complete are ${missing.join(", ")}`);
  return done.length === 0 ? stopped : `${verdict}\n${stopped}`;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, i) => (i < columnsOfText ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  ")
      .trimEnd(),
  );
}

// ---- What there is ---------------------------------------------------------------------------------------------

function list({ json }: ReproduceOptions): void {
  if (json === true) {
    const known = experiments.map(({ name, description, source, defaultRuns, quickRuns, flags = [] }) => {
      return { name, description, source, defaultRuns, quickRuns, flags };
    });
    process.stdout.write(`${JSON.stringify({ experiments: known })}\n`);
    return;
  }
  process.stdout.write(`${experiments.map(explained).join("\n\n")}\n`);
}

/** With the names of experiments among the words: what they are, and their flags. Otherwise all, in a line each. */
function helpFor(words: readonly string[]): string {
  const named = experiments.filter(({ name }) => words.includes(name));
  if (named.length > 0) return `\n${named.map(explained).join("\n\n")}\n`;
  const width = Math.max(...experiments.map(({ name }) => name.length));
  return `
Experiments:
${experiments.map(({ name, description }) => `  ${name.padEnd(width)}  ${description}`).join("\n")}

Flags of one: grapevine reproduce <name> --help

The same seed measures the same, on any machine and with any number of threads. The exit code is 0 only if every
figure that must match lies where it must.

Examples:
  $ grapevine reproduce demers-1987
  $ grapevine reproduce demers-1987 --runs 10000 --json
  $ grapevine reproduce demers-1987 --direction pull --stop counter --feedback --k 1..3
  $ grapevine reproduce all --html report.html
`;
}

function explained({ name, description, source, defaultRuns, flags = [] }: AnyExperiment): string {
  const lines = [
    pc.bold(name),
    `  ${description}`,
    `  Source: ${source}`,
    `  Runs of each configuration: ${defaultRuns.toLocaleString("en")}`,
  ];
  if (flags.length > 0) {
    const heads = flags.map(headOf);
    const width = Math.max(...heads.map((head) => head.length));
    lines.push(
      "  Flags:",
      ...flags.map(
        (flag, i) => `    ${heads[i]!.padEnd(width)}  ${flag.description} (default: ${flag.default})`,
      ),
    );
  }
  lines.push("  Example:", `    $ ${["grapevine reproduce", name, ...exampleOf(flags)].join(" ")}`);
  return lines.join("\n");
}

function headOf({ name, default: usual, choices }: ExperimentFlag): string {
  if (typeof usual === "boolean") return usual ? `--no-${name}` : `--${name}`;
  if (choices !== undefined) return `--${name} <${choices.join("|")}>`;
  return `--${name} <${typeof usual === "number" ? "number" : "text"}>`;
}

/** The first flag, at another value than its usual one where there is another. */
function exampleOf(flags: readonly ExperimentFlag[]): string[] {
  const [flag] = flags;
  if (flag === undefined) return [];
  if (typeof flag.default === "boolean") return [headOf(flag)];
  const other = flag.choices?.find((choice) => choice !== flag.default);
  return [`--${flag.name}`, String(other ?? flag.default)];
}
