import { Command } from "commander";
import pc from "picocolors";
import { type TraceEvent, UsageError } from "../core/index.ts";
import { ReplayLines, type Rerun, replayAgain, replayEvents, replaySigns } from "../lab/index.ts";
import { escapeText, readTrace } from "../node/index.ts";
import { jsonText, print } from "./api-client.ts";
import { exitWhenPrinted } from "./exit.ts";
import { stopSignal } from "./stop-signal.ts";
import {
  addFilterOptions,
  explaining,
  type FilterOptions,
  filterOf,
  LinePrinter,
  nothingPassed,
  reading,
} from "./trace.ts";

interface ReplayCommandOptions extends FilterOptions {
  readonly speed: number;
  readonly json?: boolean;
  readonly again?: boolean;
}

export interface ReplayHooks {
  /** Runs a simulation again from what its trace says about it: then there is `--again`. */
  readonly rerun?: Rerun;
}

export function replayCommand({ rerun }: ReplayHooks = {}): Command {
  const command = new Command("replay")
    .description("Play a recorded run on the terminal, one line per event")
    .argument("<file>", "a trace; the parts that were rotated out of it are read too")
    .option(
      "--speed <factor>",
      "1 is as it was, 10 ten times as fast, 0 or max without waiting",
      readSpeed,
      1,
    );
  addFilterOptions(command).option("--json", "print each event as a line of JSON");
  if (rerun !== undefined)
    command.option(
      "--again",
      "run the simulation of the trace again, and check that every event is the same",
    );
  return command
    .addHelpText(
      "after",
      `
Each line has the time since the run began, a column for each node (. for a peer, / for a seed; up to 40 nodes),
the node, a sign, the type, and the fields. The signs:
${replaySigns.map(({ sign, meaning, types }) => `  ${sign}  ${meaning}: ${types.slice(0, 4).join(", ")}${types.length > 4 ? ", …" : ""}`).join("\n")}

Examples:
  $ grapevine replay run.ndjson --speed 10
  $ grapevine replay run.ndjson --speed max --node peer-3 --types neighbor-up,neighbor-down
  $ grapevine replay run.ndjson --from 30s --until 1m
${rerun === undefined ? "" : "  $ grapevine replay simulated.ndjson --again\n"}`,
    )
    .action((file: string, options: ReplayCommandOptions) => {
      if (options.again === true && rerun !== undefined) return again(file, options, rerun);
      const stopping = new AbortController();
      void stopSignal().then(() => stopping.abort());
      return replay(file, options, stopping.signal);
    });
}

async function replay(file: string, options: ReplayCommandOptions, signal: AbortSignal): Promise<void> {
  const filter = filterOf(options);
  const reader = readTrace(file);
  const lines = new ReplayLines(reader);
  const printer = new LinePrinter();
  const isTimed = Number.isFinite(options.speed);
  let count = 0;
  await explaining([reader], async () => {
    for await (const event of replayEvents(reader, { ...filter, speed: options.speed, signal })) {
      count++;
      await printer.add(options.json ? jsonText(event) : coloured(event, lines.line(event)));
      if (isTimed) await printer.flush();
    }
    await printer.flush();
  });
  if (signal.aborted) process.stderr.write(`grapevine: stopped after ${count} events\n`);
  else if (count === 0) process.stderr.write(`grapevine: ${nothingPassed(reader, filter)}\n`);
  // The handlers of Ctrl+C would keep the process.
  exitWhenPrinted();
}

/** Ends with 0 if every event is the same, with 1 if not. */
async function again(file: string, options: ReplayCommandOptions, rerun: Rerun): Promise<void> {
  const beginning = readTrace(file);
  await explaining([beginning], async () => {
    for await (const _ of beginning) break;
  });
  const { world, about } = beginning.header!;
  if (world !== "simulated")
    throw new UsageError(`--again: ${file} is of a live run; only a simulated one can be run again`);
  if (about === undefined)
    throw new UsageError(`--again: ${file} does not say in its header ("about") what was simulated`);
  const reader = readTrace(file);
  const report = await reading([reader], () => replayAgain(reader, about, rerun));
  if (options.json) await print(jsonText(report));
  else if (report.firstDifference === null)
    await print(pc.green(`The same again: ${report.events} events of ${escapeText(file)}.`));
  else {
    const { index, a, b } = report.firstDifference;
    await print(
      [
        pc.red(`Not the same: event number ${index}, counted from 0, differs.`),
        `  recorded  ${a === null ? "(has ended)" : escapeText(a)}`,
        `  again     ${b === null ? "(has ended)" : escapeText(b)}`,
      ].join("\n"),
    );
  }
  process.exitCode = report.identical ? 0 : 1;
}

function readSpeed(text: string): number {
  const speed = text === "max" ? 0 : Number(text);
  if (text.trim() === "" || !Number.isFinite(speed) || speed < 0)
    throw new UsageError(`--speed: "${text}" is no factor; write 1, 10, 0.5 or max`);
  return speed === 0 ? Number.POSITIVE_INFINITY : speed;
}

/** Failures stand out. */
function coloured({ type }: TraceEvent, line: string): string {
  switch (type) {
    case "crashed":
    case "stopped":
    case "neighbor-failed":
    case "dead-node":
    case "peer-removed":
      return pc.red(line);
    case "suspected":
    case "ping-missed":
    case "warning":
    case "paused":
    case "partitioned":
    case "cut":
      return pc.yellow(line);
    case "named":
    case "ping-sent":
    case "ping-answered":
      return pc.dim(line);
    default:
      return line;
  }
}
