import { writeFileSync } from "node:fs";
import { Command, Option } from "commander";
import pc from "picocolors";
import { UsageError } from "../core/index.ts";
import {
  certify,
  formatBudget,
  formatFalsePositives,
  isEnough,
  leastNodes,
  mostNodes,
  type PlanReport,
  parseBudget,
  parseFalsePositives,
  planReport,
  predicted,
  remarksOf,
  search,
  type Thoroughness,
  usualWish,
  type Wish,
  type WishName,
  wishNames,
  wishOf,
  wishWords,
  wordOf,
} from "../lab/index.ts";
import { formatDuration, parseDuration } from "../node/index.ts";
import { guardOutput } from "./api-client.ts";
import { exitWhenPrinted } from "./exit.ts";
import { share } from "./link-options.ts";
import { wholeNumber } from "./numbers.ts";
import { checkWritable, unwritable } from "./output-file.ts";
import { Progress } from "./progress.ts";
import { stopSignal } from "./stop-signal.ts";

interface PlanOptions {
  readonly nodes: number;
  readonly loss?: number;
  readonly rtt?: number;
  readonly detectWithin?: number;
  readonly falsePositives?: number;
  readonly deliver?: number;
  readonly within?: number;
  readonly budget?: number;
  readonly rate?: number;
  readonly publishers?: number;
  readonly messageBytes?: number;
  readonly profile?: Wish["profile"];
  readonly certify: Thoroughness | "none";
  readonly seed: number;
  readonly output?: string;
  readonly json?: boolean;
}

const interrupted = 130;
const infeasible = 2;

export function planCommand(): Command {
  const usual = usualWish;
  return new Command("plan")
    .description(
      "Say what you want of a network: get protocols and options that do it, predicted, and certified in a simulation of that size",
    )
    .requiredOption(
      "--nodes <number>",
      "how many there will be",
      wholeNumber("--nodes", leastNodes, mostNodes),
    )
    .optionsGroup("What the network is like:")
    .option("--loss <share>", `of packets: 2% or 0.02 (default: ${usual.loss})`, share("--loss"))
    .option("--rtt <duration>", `round trip between nodes (default: ${usual.rttMs}ms)`, duration("--rtt"))
    .option(
      "--rate <number>",
      `messages per second, of all nodes together (default: ${usual.messagesPerSecond})`,
      number("--rate"),
    )
    .option(
      "--publishers <number>",
      `nodes that publish them (default: ${usual.publishers})`,
      wholeNumber("--publishers", 1, mostNodes),
    )
    .option(
      "--message-bytes <number>",
      `of a message (default: ${usual.messageBytes})`,
      wholeNumber("--message-bytes", 1, 65_536),
    )
    .optionsGroup("What you want of it:")
    .option(
      "--detect-within <duration>",
      `from a crash until all who watch the node have given it up, in 99 of 100 cases (default: ${formatDuration(usual.detectWithinMs)})`,
      duration("--detect-within"),
    )
    .option(
      "--false-positives <rate>",
      `living nodes given up: 1/1000d is one in a thousand days of a node (default: ${formatFalsePositives(usual.falsePositivesPerNodeDay)})`,
      parseFalsePositives,
    )
    .option(
      "--deliver <share>",
      `of the receipts of messages, which come in time (default: ${usual.deliver})`,
      share("--deliver"),
    )
    .option(
      "--within <duration>",
      `what "in time" is (default: ${formatDuration(usual.withinMs)})`,
      duration("--within"),
    )
    .option(
      "--budget <rate>",
      `what a node sends on average: 2KB/s (default: ${formatBudget(usual.budgetBytesPerSecond)})`,
      parseBudget,
    )
    .addOption(
      new Option("--profile <name>", "which one to plan for; auto: whichever costs less").choices([
        "auto",
        "classic",
        "modern",
      ]),
    )
    .optionsGroup("Options:")
    .addOption(
      new Option(
        "--certify <how>",
        "simulate it: full takes a minute or two, quick some seconds, none predicts only",
      )
        .choices(["full", "quick", "none"])
        .default("full"),
    )
    .option("--seed <number>", "of the simulation", wholeNumber("--seed", 0, 2 ** 48), 1)
    .option("--output <file>", "write the config there, for --config of grapevine up and grapevine peer")
    .option("--json", "print one JSON object and nothing else")
    .addHelpText(
      "after",
      `
The cheapest plan that is predicted to do what you want, with some room to spare, is simulated: the stacks that run
live, nodes that fall silent and processes that are killed, messages at that rate. docs/planner.md has the model and
what it leaves out. The same seed gives the same figures on any machine.

The exit code is 0 if everything that was measured is as wished (with --certify none: predicted), 1 if something is
not, 2 if no plan can be had (then it says what would have to give), and 130 if it was stopped.

Examples:
  $ grapevine plan --nodes 20
  $ grapevine plan --nodes 5000 --loss 0.02 --rtt 40ms --detect-within 8s --false-positives 1/1000d --deliver 0.9999 --within 2s --budget 2KB/s
  $ grapevine plan --nodes 200 --rate 50 --message-bytes 1000 --certify quick --output config.yaml
`,
    )
    .action((options: PlanOptions) => plan(options));
}

async function plan(options: PlanOptions): Promise<void> {
  guardOutput();
  const { certify: thoroughness, seed, output, json } = options;
  const wish = wishFrom(options);
  if (output !== undefined) checkWritable("--output", output);
  const controller = new AbortController();
  void stopSignal().then(() => controller.abort());
  const result = search(wish);
  let certificate: PlanReport["certificate"] | undefined;
  if (result.plan !== undefined && thoroughness !== "none") {
    const progress = new Progress({
      isOn: json !== true,
      whole: 100,
      shown: (done) => `${Math.floor(done)} %`,
    });
    certificate = await certify({
      ...{ wish, plan: result.plan, seed, thoroughness },
      signal: controller.signal,
      onProgress: (done, what) => progress.draw(100 * done, what),
    });
    progress.end();
    if (certificate === undefined) {
      if (json !== true) process.stdout.write(pc.yellow("stopped: nothing is certified\n"));
      process.exitCode = interrupted;
      return exitWhenPrinted();
    }
  }
  const report = planReport({ wish, seed, thoroughness, result, certificate: certificate ?? undefined });
  if (output !== undefined && report.config !== null) write(output, report.config);
  process.stdout.write(json === true ? `${JSON.stringify(report)}\n` : `${described(report)}\n`);
  if (json !== true && output !== undefined && report.config !== null)
    process.stdout.write(`config in ${output}\n`);
  const isGranted = report.certified || thoroughness === "none";
  process.exitCode = report.plan === null ? infeasible : isGranted ? 0 : 1;
  exitWhenPrinted();
}

function write(path: string, config: string): void {
  try {
    writeFileSync(path, config);
  } catch (error) {
    throw unwritable("--output", path, error);
  }
}

function wishFrom(options: PlanOptions): Wish {
  const { nodes, loss, rtt, detectWithin, falsePositives, deliver, within, budget } = options;
  const { rate, publishers, messageBytes, profile } = options;
  return wishOf({
    ...{ nodes, loss, rttMs: rtt, detectWithinMs: detectWithin },
    ...{ falsePositivesPerNodeDay: falsePositives, deliver, withinMs: within },
    ...{ budgetBytesPerSecond: budget, messagesPerSecond: rate, publishers, messageBytes, profile },
  });
}

// ---- What is printed -----------------------------------------------------------------------------------------------

function described(report: PlanReport): string {
  return (report.plan === null ? refused(report) : promise(report)).join("\n");
}

function promise(report: PlanReport): string[] {
  const { plan, lines, certificate, certified, config, command, candidates, wish } = report;
  const { profile, degree } = plan!;
  const heading = `${profile} profile, ${degree} links each: the cheapest of ${candidates.toLocaleString("en")} plans for ${wish.nodes.toLocaleString("en")} nodes`;
  const rows = [
    ["", "wished", "predicted", "measured", ""],
    ...lines.map(({ wish: name, wished, predicted, measured, verdict }) => [
      name === "deliver" ? `delivered within ${formatDuration(wish.withinMs)}` : wishWords[name].what,
      wordOf(name, wished),
      wordOf(name, predicted),
      measured === null ? "" : wordOf(name, measured),
      verdict === null ? "" : verdictWords[verdict],
    ]),
  ];
  const verdict =
    certificate === null
      ? pc.yellow("not certified: --certify full simulates it")
      : certified
        ? pc.green(
            lines.every((line) => line.verdict === "held")
              ? "certified: everything is as wished"
              : "certified: what could be measured is as wished, and nothing speaks against the rest",
          )
        : pc.red("not certified: the simulation does not do what was predicted");
  return [
    pc.bold(heading),
    "",
    ...table(rows),
    "",
    ...remarksOf(report).map((remark) => `- ${remark}`),
    "",
    verdict,
    `again: ${command}`,
    "",
    pc.dim("# for --config of grapevine up and grapevine peer"),
    config!.trimEnd(),
  ];
}

const verdictWords = {
  held: pc.green("as wished"),
  missed: pc.red("missed"),
  unrefuted: pc.yellow("nothing against it"),
};

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row, i) => {
    const line = row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0]!) : column === 4 ? cell : cell.padStart(widths[column]!),
      )
      .join("  ")
      .trimEnd();
    return i === 0 ? pc.bold(line) : line;
  });
}

function refused({ refusal, wish, candidates, command }: PlanReport): string[] {
  const { conflicts, relaxations, nearest } = refusal!;
  const option = (name: WishName, value = wish[name]) => `${wishWords[name].option} ${wordOf(name, value)}`;
  const relaxed = wishNames
    .filter((name) => !isEnough(wish, name, predicted(name, nearest.prediction)))
    .map((name) => option(name, predicted(name, nearest.prediction)));
  return [
    pc.red(`no plan does that: none of ${candidates.toLocaleString("en")} is predicted to`),
    "",
    pc.bold("what cannot be had:"),
    ...conflicts.map((names) => {
      const together = names.length === 1 ? "by any plan" : "together";
      return `  ${names.map((name) => option(name)).join(" and ")}, ${together}`;
    }),
    "",
    pc.bold("what would make it possible:"),
    ...relaxations.map(
      ({ wish: name, to }) => `  ${option(name, to)} instead of ${wordOf(name, wish[name])}`,
    ),
    ...(relaxations.length > 0 ? [] : [`  ${relaxed.join(" ")} (no single one of them is enough)`]),
    "",
    pc.dim(`asked: ${command}`),
  ];
}

// ---- Reading -------------------------------------------------------------------------------------------------------

function duration(option: string): (text: string) => number {
  return (text) => parseDuration(option, text);
}

function number(option: string): (text: string) => number {
  return (text) => {
    if (/^\d+(\.\d+)?$/.test(text.trim())) return Number(text);
    throw new UsageError(`${option}: "${text}" is no number; write 10 or 0.5`);
  };
}
