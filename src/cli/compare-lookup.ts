import { Command, Option } from "commander";
import pc from "picocolors";
import { UsageError } from "../core/index.ts";
import {
  type ComparisonChurn,
  type ComparisonReport,
  type Conditions,
  compareRouters,
  comparisonPage,
  comparisonReport,
  comparisonTable,
  defaultConditions,
  labRouters,
  programVersion,
  sentenceOf,
} from "../lab/index.ts";
import { formatDuration, parseDuration } from "../node/index.ts";
import { guardOutput } from "./api-client.ts";
import { alignedTable, interrupted, knownNames, longDuration, writePage } from "./comparison-parts.ts";
import { exitWhenPrinted } from "./exit.ts";
import { addLinkOptions, type LinkOptions, readLinks, share } from "./link-options.ts";
import { wholeNumber } from "./numbers.ts";
import { checkWritable } from "./output-file.ts";
import { Progress } from "./progress.ts";
import { stopSignal } from "./stop-signal.ts";

interface CompareOptions extends LinkOptions {
  readonly routers: readonly string[];
  readonly nodes: number;
  /** Still without the joins that keep the number of nodes. */
  readonly churn?: { readonly joinsPerMinute: number | undefined; readonly meanSessionMs: number };
  readonly crashes: number;
  readonly fail: number;
  readonly lookups: number;
  readonly rate: number;
  readonly count?: number;
  readonly start: Conditions["start"];
  readonly settle: number;
  readonly upkeep: number;
  readonly seed: number;
  readonly runs: number;
  readonly threads?: number;
  readonly json?: boolean;
  readonly html?: string;
}

/** `grapevine compare lookup`. */
export function compareLookup(): Command {
  const { lookups, lookupsPerSecond, start, settleMs, upkeepMs, seed } = defaultConditions;
  const names = labRouters.map(({ name }) => name);
  const command = new Command("lookup")
    .description("The routers: how far, how soon and how surely they find who is responsible for a key")
    .option("--routers <names>", "which ones, with commas", knownNames("--routers", names), names)
    .option(
      "--nodes <number>",
      "how many there are at the beginning",
      wholeNumber("--nodes", 2, 1_000_000),
      1000,
    )
    .option(
      "--churn <model>",
      "none; a mean session (20m), with as many joins as keep the number of nodes; or joins per minute and mean session (50/20m)",
      parseChurn,
    )
    .option("--crashes <share>", "of the sessions that end without a goodbye", share("--crashes"), 0.5)
    .option("--fail <share>", "of all nodes that crash at once, just before the lookups", share("--fail"), 0)
    .option(
      "--lookups <number>",
      "how many are made, of random keys by random nodes",
      wholeNumber("--lookups", 1, 10_000_000),
      lookups,
    )
    .option(
      "--rate <number>",
      "lookups in a second, in the whole network",
      positive("--rate"),
      lookupsPerSecond,
    )
    .option(
      "--count <number>",
      "nodes that are wanted of each lookup (default: 1, and k in Kademlia)",
      wholeNumber("--count", 1, 1000),
    )
    .addOption(
      new Option("--start <how>", "joined: one node after the other; built: with tables as they should be")
        .choices(["joined", "built"])
        .default(start),
    )
    .option(
      "--settle <duration>",
      "virtual time between the last join and the first measurement",
      longDuration("--settle"),
      settleMs,
    )
    .option(
      "--upkeep <duration>",
      "virtual time in which traffic is measured without lookups",
      longDuration("--upkeep"),
      upkeepMs,
    )
    .option("--seed <number>", "of the first run; the others follow", wholeNumber("--seed", 0, 2 ** 48), seed)
    .option(
      "--runs <number>",
      "of each router, each with a seed of its own",
      wholeNumber("--runs", 1, 100_000),
      1,
    )
    .option(
      "--threads <number>",
      "worker threads (default: one for each core)",
      wholeNumber("--threads", 1, 1024),
    )
    .option("--json", "print one JSON object and nothing else")
    .option("--html <file>", "write a page with plots: one file that opens offline");
  return addLinkOptions(command)
    .addHelpText(
      "after",
      `
A failure is a lookup that ends with another node than the one that is truly responsible, or without any. Which that is
is known in a simulation: it counts if it was so when the lookup began or when it ended. Every message is written to
bytes and read again, so that bytes are those of the wire.

Durations without a unit are milliseconds; --settle is ${formatDuration(settleMs)} and --upkeep ${formatDuration(upkeepMs)} unless you say otherwise. The same seed gives
the same figures, on any machine and with any number of threads.

Examples:
  $ grapevine compare lookup                                1,000 nodes that stay
  $ grapevine compare lookup --churn 20m --html churn.html  sessions of 20 minutes on average
  $ grapevine compare lookup --churn 100/10m --crashes 100% --loss 5% --json
  $ grapevine compare lookup --fail 50% --start built       half of all nodes die at once
  $ grapevine compare lookup --routers chord,pastry --nodes 10000 --start built --runs 4
`,
    )
    .action(compare);
}

async function compare(options: CompareOptions): Promise<void> {
  guardOutput();
  const { routers, runs, threads, json, html } = options;
  const conditions = conditionsOf(options);
  if (html !== undefined) checkWritable("--html", html);
  const controller = new AbortController();
  void stopSignal().then(() => controller.abort());
  const whole = routers.length * runs;
  const progress = new Progress({
    isOn: json !== true,
    whole,
    shown: (done) => `${Math.floor((100 * done) / whole)} %`,
  });
  const done = await compareRouters({
    ...{ routers, conditions, runs, threads },
    signal: controller.signal,
    onProgress: ({ done, events }) =>
      progress.draw(done, `${Math.round(events).toLocaleString("en")} events`),
  });
  progress.end();
  const report = comparisonReport(conditions, done);
  if (html !== undefined && done.length > 0)
    writePage(html, (command) => comparisonPage({ report, command, version: programVersion }));
  if (json === true) process.stdout.write(`${JSON.stringify({ ...report, charts: undefined })}\n`);
  else {
    process.stdout.write(`${described(report)}\n`);
    if (html !== undefined && done.length > 0) process.stdout.write(`report in ${html}\n`);
    if (controller.signal.aborted)
      process.stdout.write(pc.yellow(`stopped: ${done.length} of ${whole} runs are complete\n`));
  }
  process.exitCode = controller.signal.aborted ? interrupted : 0;
  exitWhenPrinted();
}

function conditionsOf(options: CompareOptions): Conditions {
  const { nodes, churn, crashes, fail, lookups, rate, count, start, settle, upkeep, seed } = options;
  if (fail === 1) throw new UsageError("--fail: 100% leaves nobody who could ask");
  return {
    ...defaultConditions,
    nodes,
    seed,
    links: readLinks(options) ?? {},
    churn: churn === undefined ? undefined : churnOf(churn, nodes, crashes),
    failShare: fail,
    lookups,
    lookupsPerSecond: rate,
    count,
    start,
    settleMs: settle,
    upkeepMs: upkeep,
  };
}

/** By Little's law as many join in a session's time as there are nodes. */
function churnOf(
  { joinsPerMinute, meanSessionMs }: NonNullable<CompareOptions["churn"]>,
  nodes: number,
  crashShare: number,
): ComparisonChurn {
  return {
    joinsPerMinute: joinsPerMinute ?? nodes / (meanSessionMs / 60_000),
    meanSessionMs,
    crashShare,
  };
}

function described(report: ComparisonReport): string {
  if (report.routers.length === 0) return pc.yellow("nothing is complete");
  const seconds = report.routers.reduce((sum, { wallMs }) => sum + wallMs, 0) / 1000;
  const note = `± is 1.96 standard errors over the lookups; ${seconds.toFixed(1)} s of simulation`;
  return [sentenceOf(report), "", ...alignedTable(comparisonTable(report)), "", pc.dim(note)].join("\n");
}

// ---- Reading -------------------------------------------------------------------------------------------------------

/** `none`, `20m` or `50/20m`. Throws `UsageError` that says how to write it. */
function parseChurn(text: string): CompareOptions["churn"] {
  if (text.trim() === "none") return undefined;
  const match = /^(?:(\d+(?:\.\d+)?)\/)?([^/]+)$/.exec(text.trim());
  if (match === null)
    throw new UsageError(
      `--churn: "${text}" is no churn; write none, 20m, or 50/20m (joins per minute / mean session)`,
    );
  const meanSessionMs = parseDuration("--churn", match[2]!);
  if (meanSessionMs < 1000) throw new UsageError(`--churn: sessions of ${match[2]} are shorter than 1s`);
  return { joinsPerMinute: match[1] === undefined ? undefined : Number(match[1]), meanSessionMs };
}

function positive(option: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && value > 0 && value <= 1_000_000) return value;
    throw new UsageError(`${option}: "${text}" is not a number above 0, at most 1000000`);
  };
}
