import { Command } from "commander";
import pc from "picocolors";
import { UsageError } from "../core/index.ts";
import {
  compareDetectors as compare,
  type DetectionReport,
  type DetectorComparison,
  defaultDetection,
  detectionPage,
  detectionReport,
  detectionTables,
  labDetectors,
  programVersion,
  runsOf,
  sentenceOfDetection,
  type Trouble,
} from "../lab/index.ts";
import { formatDuration, parseDuration } from "../node/index.ts";
import type { Latency } from "../simulator/index.ts";
import { guardOutput } from "./api-client.ts";
import { alignedTable, interrupted, knownNames, longDuration, writePage } from "./comparison-parts.ts";
import { exitWhenPrinted } from "./exit.ts";
import { parseLatency, share } from "./link-options.ts";
import { wholeNumber } from "./numbers.ts";
import { checkWritable } from "./output-file.ts";
import { Progress } from "./progress.ts";
import { stopSignal } from "./stop-signal.ts";

interface CompareDetectorsOptions {
  readonly detectors: readonly string[];
  readonly nodes: readonly number[];
  readonly loss: readonly number[];
  readonly paused: readonly number[];
  readonly pause: { readonly lengthMs: number; readonly gapMs: number };
  readonly blocked: number;
  readonly slow: number;
  readonly slowness: number;
  readonly cuts: number;
  readonly latency?: Latency;
  readonly quorum: number;
  readonly calm: number;
  readonly crashes: number;
  readonly crashShare: number;
  readonly deadline: number;
  readonly seed: number;
  readonly runs: number;
  readonly threads?: number;
  readonly json?: boolean;
  readonly html?: string;
}

const defaultPause = { lengthMs: 5000, gapMs: 5000 };

/** `grapevine compare detectors`. */
export function compareDetectors(): Command {
  const names = labDetectors.map(({ name }) => name);
  const { calmMs, crashes, deadlineMs, seed } = defaultDetection;
  const command = new Command("detectors")
    .description("The failure detectors: how soon they notice a crash, whom they wrong, and what that costs")
    .option("--detectors <names>", "which ones, with commas", knownNames("--detectors", names), names)
    .option("--nodes <numbers>", "how many, with commas", numbers("--nodes", 3, 4096), [8, 32, 128])
    .option(
      "--loss <shares>",
      "shares of datagrams that are lost, with commas; links send them again",
      shares("--loss"),
      [0, 0.05, 0.2],
    )
    .option(
      "--paused <numbers>",
      "how many nodes are paused over and over, with commas",
      numbers("--paused", 0, 4000),
      [0, 1, 4],
    )
    .option(
      "--pause <length/gap>",
      "how long a pause is, and how long the node is well between two",
      parsePause,
      defaultPause,
    )
    .option(
      "--blocked <number>",
      "nodes whose messages wait, both ways, as long and as often as a pause, while their timers go on",
      wholeNumber("--blocked", 0, 4000),
      0,
    )
    .option("--slow <number>", "nodes that take their time for everything", wholeNumber("--slow", 0, 4000), 0)
    .option("--slowness <duration>", "what each event takes them", duration("--slowness"), 100)
    .option(
      "--cuts <number>",
      "pairs of nodes of which one does not hear the other",
      wholeNumber("--cuts", 0, 1_000_000),
      0,
    )
    .option("--latency <model>", "one way (default: uniform:1ms:10ms)", parseLatency)
    .option(
      "--quorum <number>",
      "how many have to doubt a node before it is given up",
      wholeNumber("--quorum", 1, 32),
      1,
    )
    .option("--calm <duration>", "virtual time in which nobody crashes", longDuration("--calm"), calmMs)
    .option(
      "--crashes <number>",
      "of each run, one after the other",
      wholeNumber("--crashes", 0, 1000),
      crashes,
    )
    .option("--crash-share <share>", "of the nodes that crash at once", share("--crash-share"), 0)
    .option("--deadline <duration>", "how long others have to notice", longDuration("--deadline"), deadlineMs)
    .option("--seed <number>", "of the first run; the others follow", wholeNumber("--seed", 0, 2 ** 48), seed)
    .option("--runs <number>", "of each detector in each case", wholeNumber("--runs", 1, 100_000), 2)
    .option(
      "--threads <number>",
      "worker threads (default: one for each core)",
      wholeNumber("--threads", 1, 1024),
    )
    .option("--json", "print one JSON object and nothing else")
    .option("--html <file>", "write a page with plots: one file that opens offline")
    .addHelpText(
      "after",
      `
Detectors:
${labDetectors.map(({ name, description }) => `  ${name.padEnd(20)} ${description}`).join("\n")}

All run against each number of nodes with the first loss and the first number of paused nodes; the other losses and
numbers of paused nodes are tried with the middle number of nodes. Who crashes is gone without a word: no connection
breaks. The same seed gives the same figures, on any machine and with any number of threads.

Examples:
  $ grapevine compare detectors                                   all of them, 8 to 128 nodes
  $ grapevine compare detectors --html detectors.html
  $ grapevine compare detectors --detectors swim,lifeguard --nodes 128 --loss 0 --paused 0,1,8 --calm 10m --runs 5
  $ grapevine compare detectors --nodes 32 --loss 0 --paused 0 --quorum 3 --cuts 20 --json
`,
    )
    .action(run);
  showDefaults(command);
  return command;
}

/** As they would be typed. */
function showDefaults(command: Command): void {
  for (const option of command.options) {
    const value: unknown = option.defaultValue;
    if (Array.isArray(value)) option.default(value, value.join(","));
    else if (value === defaultPause)
      option.default(value, [defaultPause.lengthMs, defaultPause.gapMs].map(formatDuration).join("/"));
    else if (typeof value === "number" && option.flags.endsWith("<duration>"))
      option.default(value, formatDuration(value));
  }
}

async function run(options: CompareDetectorsOptions): Promise<void> {
  guardOutput();
  const { threads, json, html } = options;
  const comparison = comparisonOf(options);
  if (html !== undefined) checkWritable("--html", html);
  const controller = new AbortController();
  void stopSignal().then(() => controller.abort());
  const whole = runsOf(comparison);
  const progress = new Progress({
    isOn: json !== true,
    whole,
    shown: (done) => `${Math.floor((100 * done) / whole)} %`,
  });
  const done = await compare({
    ...{ comparison, threads },
    signal: controller.signal,
    onProgress: ({ done, events }) =>
      progress.draw(done, `${Math.round(events).toLocaleString("en")} events`),
  });
  progress.end();
  const report = detectionReport(comparison, done);
  const hasPage = html !== undefined && done.length > 0;
  if (hasPage) writePage(html, (command) => detectionPage({ report, command, version: programVersion }));
  if (json === true) process.stdout.write(`${JSON.stringify({ ...report, charts: undefined })}\n`);
  else {
    process.stdout.write(`${described(report)}\n`);
    if (hasPage) process.stdout.write(`report in ${html}\n`);
    if (controller.signal.aborted)
      process.stdout.write(pc.yellow(`stopped: ${done.length} of ${whole} runs are complete\n`));
  }
  process.exitCode = controller.signal.aborted ? interrupted : 0;
  exitWhenPrinted();
}

function comparisonOf(options: CompareDetectorsOptions): DetectorComparison {
  const { detectors, nodes, loss, paused, pause, blocked, slow, slowness, latency, runs } = options;
  const troubles: Trouble[] = [];
  if (blocked > 0) troubles.push({ kind: "block", nodes: blocked, ...pause });
  if (slow > 0) troubles.push({ kind: "slow", nodes: slow, perEventMs: slowness });
  return {
    ...{ detectors, nodes, losses: loss, paused },
    ...{ pauseMs: pause.lengthMs, pauseGapMs: pause.gapMs, runs },
    conditions: {
      ...defaultDetection,
      ...(latency !== undefined && { links: { latency } }),
      ...{ troubles, cuts: options.cuts, quorum: options.quorum, seed: options.seed },
      ...{ calmMs: options.calm, deadlineMs: options.deadline },
      ...{ crashes: options.crashes, crashShare: options.crashShare },
    },
  };
}

function described(report: DetectionReport): string {
  const { comparison, results } = report;
  if (results.length === 0) return pc.yellow("nothing is complete");
  const tables = detectionTables(results).flatMap(([name, rows]) => [
    pc.bold(name),
    ...alignedTable(rows),
    "",
  ]);
  const seconds = results.reduce((sum, { wallMs }) => sum + wallMs, 0) / 1000;
  const note = `± is half of the 95 % interval of the mean over crashes; false verdicts are on living nodes that nothing ails; < is the 95 % limit where none was seen; ${seconds.toFixed(1)} s of simulation`;
  return [sentenceOfDetection(comparison), "", ...tables, pc.dim(note)].join("\n");
}

// ---- Reading -------------------------------------------------------------------------------------------------------

function numbers(option: string, min: number, max: number): (text: string) => number[] {
  const read = wholeNumber(option, min, max);
  return (text) => onceEach(option, text, text.split(",").map(read));
}

function shares(option: string): (text: string) => number[] {
  const read = share(option);
  return (text) => onceEach(option, text, text.split(",").map(read));
}

function onceEach(option: string, text: string, values: number[]): number[] {
  if (new Set(values).size === values.length) return values;
  throw new UsageError(`${option}: "${text}" names a value twice`);
}

/** `5s/5s`. */
function parsePause(text: string): CompareDetectorsOptions["pause"] {
  const [length, gap, ...rest] = text.split("/");
  if (length === undefined || gap === undefined || rest.length > 0)
    throw new UsageError(`--pause: "${text}" is no pause; write 5s/5s (its length / what is between two)`);
  return { lengthMs: parseDuration("--pause", length), gapMs: parseDuration("--pause", gap) };
}

function duration(option: string): (text: string) => number {
  return (text) => parseDuration(option, text);
}
