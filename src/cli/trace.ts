import { statSync } from "node:fs";
import { Command } from "commander";
import pc from "picocolors";
import { UsageError } from "../core/index.ts";
import {
  compareTraces,
  type FigurePair,
  filterWithNames,
  headerLine,
  isNamed,
  type Spread,
  type TraceComparison,
  type TraceFilter,
  type TraceReport,
  TraceSummary,
  writeFiltered,
} from "../lab/index.ts";
import { escapeText, parseDuration, readTrace, type TraceReader, traceParts } from "../node/index.ts";
import { jsonText, print, table } from "./api-client.ts";

export function traceCommand(): Command {
  return new Command("trace")
    .description("Look at a recorded run: sum it up, cut out a part, compare it with another")
    .addCommand(summaryCommand())
    .addCommand(filterCommand())
    .addCommand(compareCommand())
    .addHelpText(
      "after",
      `
A trace is written with --trace FILE and described in docs/trace.md; grapevine replay plays it.

Examples:
  $ grapevine trace summary run.ndjson
  $ grapevine trace filter run.ndjson --node peer-3 --output peer-3.ndjson
  $ grapevine trace compare live.ndjson simulated.ndjson
`,
    );
}

// ---- summary ----

function summaryCommand(): Command {
  return new Command("summary")
    .description("What arrived, how soon and at what cost; who failed, and how soon that was known")
    .argument("<file>", "a trace; the parts that were rotated out of it are read too")
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ grapevine trace summary run.ndjson
  $ grapevine trace summary run.ndjson --json | jq '.ratio, .delayMs.p99'
`,
    )
    .action(async (file: string, options: { json?: boolean }) => {
      const reader = readTrace(file);
      const summary = new TraceSummary();
      await reading([reader], async () => {
        for await (const event of reader) summary.add(event);
      });
      const report = summary.report();
      if (options.json) return await print(jsonText({ ...headerFacts(reader), ...report }));
      await print(summaryText(reader, report));
    });
}

function headerFacts({ header, skipped }: TraceReader) {
  return { world: header?.world, startedAt: header?.startedAt, about: header?.about, skippedLines: skipped };
}

function summaryText(reader: TraceReader, report: TraceReport): string {
  const { header } = reader;
  const about =
    header?.about === undefined ? "" : `\n  about      ${escapeText(JSON.stringify(header.about))}`;
  const nodes = Object.entries(report.nodes).map(
    // Nobody names the nodes of a rumor.
    ([role, count]) => `${count} ${role === "unknown" ? "node" : escapeText(role)}${count === 1 ? "" : "s"}`,
  );
  const lines = [
    `${pc.bold(escapeText(reader.path))}: ${header?.world}, ${report.events} events in ${seconds(report.durationMs)}${about}`,
    `  nodes      ${nodes.join(", ") || "none"}`,
    ...messageLines(report),
    ...faultLines(report),
    "",
    ...Object.entries(report.byType).flatMap(([layer, types]) =>
      Object.entries(types).map(
        ([type, count]) => `  ${String(count).padStart(9)}  ${escapeText(`${layer}/${type}`)}`,
      ),
    ),
  ];
  if (report.lost > 0)
    lines.splice(1, 0, pc.yellow(`  ${report.lost} events are missing: the disk refused them`));
  return lines.join("\n");
}

function messageLines(report: TraceReport): string[] {
  if (report.published === 0 && report.deliveredFromNowhere === 0) return ["  messages   none"];
  const { delayMs, ldh, sendsPerPeer, ratio } = report;
  const forged = report.deliveredFromNowhere - report.deliveredFromOutside;
  const holds = ratio === 1 && report.deliveredTwice === 0 && forged === 0;
  const verdict = `${report.arrived} of ${report.expected} expected deliveries of ${report.published} messages`;
  const lines = [
    `  messages   ${holds ? pc.green(verdict) : pc.red(verdict)} (ratio ${shown(ratio)})`,
    `             ${report.deliveries} deliveries in all: ${report.deliveredLate} late, ${report.deliveredTwice} twice, ${forged} from nowhere, ${report.deliveredFromOutside} from origins outside of the trace`,
  ];
  if (delayMs !== null) lines.push(`  delay      ${spreadText(delayMs)}`);
  if (report.beforePublication > 0)
    lines.push(
      pc.yellow(`             ${report.beforePublication} deliveries before publication: clocks differ`),
    );
  lines.push(
    `  copies     ${report.sends} sent, ${report.historySends} of these as history; RMR ${shown(report.rmr)}, with history ${shown(report.rmrWithHistory)}`,
  );
  if (sendsPerPeer !== null)
    lines.push(
      `             per peer ${sendsPerPeer.mean}, most ${sendsPerPeer.max} (${escapeText(sendsPerPeer.most)})`,
    );
  if (ldh !== null) lines.push(`  hops       last delivery hop ${ldh.mean}, at most ${ldh.max}`);
  return lines;
}

const shownFaults = 12;

function faultLines({ faults, falsePositives, falseSuspicions, refutations }: TraceReport): string[] {
  const lines = [
    faults.total === 0
      ? "  faults     none"
      : `  faults     ${faults.total}: ${faults.noticed} noticed by a neighbor, ${faults.removedEverywhere} removed by all seeds`,
  ];
  if (faults.noticedMs !== null) lines.push(`  noticed    ${spreadText(faults.noticedMs)}`);
  if (faults.removedMs !== null) lines.push(`  removed    ${spreadText(faults.removedMs)}`);
  for (const fault of faults.list.slice(0, shownFaults)) {
    const back = fault.lastedMs === null ? "" : `, back after ${seconds(fault.lastedMs)}`;
    lines.push(
      `    ${escapeText(fault.node)} ${fault.kind}${back}: noticed ${time(fault.noticedMs)}, removed by ${fault.removedBy} of ${fault.seeds} seeds, the last ${time(fault.lastRemovedMs)}`,
    );
  }
  if (faults.list.length > shownFaults)
    lines.push(`    … ${faults.list.length - shownFaults} more (--json has all)`);
  const wrong = `  wrongly    ${falsePositives.total} removed (${falsePositives.whilePartitioned} while partitioned), ${falseSuspicions.failed} given up, ${falseSuspicions.suspected} suspected`;
  lines.push(falsePositives.total > falsePositives.whilePartitioned ? pc.red(wrong) : wrong);
  lines.push(`  refuted    ${refutations.refuted} by peers, ${refutations.answered} at a seed's call-back`);
  return lines;
}

function spreadText({ mean, p50, p90, p99, max }: Spread): string {
  return `mean ${mean} ms, p50 ${p50}, p90 ${p90}, p99 ${p99}, max ${max} ms`;
}

function seconds(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function time(ms: number | null): string {
  return ms === null ? "never" : `after ${seconds(ms)}`;
}

function shown(value: number | null): string {
  return value === null ? "-" : String(Math.round(value * 1e4) / 1e4);
}

// ---- filter ----

export interface FilterOptions {
  readonly node?: readonly string[];
  readonly layers?: readonly string[];
  readonly types?: readonly string[];
  readonly from?: number;
  readonly until?: number;
  readonly text?: string;
}

/** What filter and replay have in common. */
export function addFilterOptions(command: Command): Command {
  return command
    .option("--node <list>", "only these nodes: names, ids or ports, separated by commas", list("--node"))
    .option("--layers <list>", "only these layers, separated by commas", list("--layers"))
    .option(
      "--types <list>",
      "only these types of events, separated by commas (docs/trace.md lists them)",
      list("--types"),
    )
    .option("--from <time>", "not before that long into the run: 500ms, 5s, 2m", duration("--from"))
    .option("--until <time>", "not after that long into the run", duration("--until"))
    .option("--text <text>", "only lines that contain this text");
}

export function filterOf(options: FilterOptions): TraceFilter {
  const { node, layers, types, from, until, text } = options;
  if (from !== undefined && until !== undefined && from > until)
    throw new UsageError(`--from: ${from} ms is after --until, ${until} ms`);
  return { nodes: node, layers, types, fromMs: from, untilMs: until, text };
}

function list(option: string): (text: string) => string[] {
  return (text) => {
    const items = text
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== "");
    if (items.length === 0) throw new UsageError(`${option}: "${text}" names nothing; write for example a,b`);
    return items;
  };
}

function duration(option: string): (text: string) => number {
  return (text) => parseDuration(option, text);
}

function filterCommand(): Command {
  const command = new Command("filter")
    .description("Cut a part out of a trace; what comes out is a trace again")
    .argument("<file>", "a trace; the parts that were rotated out of it are read too");
  return addFilterOptions(command)
    .option("--output <file>", "write it to this file (default: standard output)")
    .option("--json", "with --output: print the result as JSON")
    .addHelpText(
      "after",
      `
An event must pass every option that is given.

Examples:
  $ grapevine trace filter run.ndjson --types published,delivered --output gossip.ndjson
  $ grapevine trace filter run.ndjson --node peer-3,9001 --from 10s --until 1m
  $ grapevine trace filter run.ndjson --text "hello" | jq -r .node
`,
    )
    .action((file: string, options: FilterOptions & { output?: string; json?: boolean }) =>
      filter(file, options),
    );
}

async function filter(
  file: string,
  options: FilterOptions & { readonly output?: string; readonly json?: boolean },
): Promise<void> {
  const { output } = options;
  const wanted = filterOf(options);
  const reader = readTrace(file);
  const { written } = await reading([reader], () =>
    output === undefined ? printFiltered(reader, wanted) : writeFiltered(reader, wanted, output),
  );
  if (written === 0) process.stderr.write(`grapevine: ${nothingPassed(reader, wanted)}\n`);
  if (output === undefined) return;
  if (options.json) return await print(jsonText({ output, read: reader.events, written }));
  await print(`Wrote ${written} of ${reader.events} events to ${escapeText(output)}.`);
}

async function printFiltered(reader: TraceReader, wanted: TraceFilter): Promise<{ written: number }> {
  const lines = new LinePrinter();
  let hasHeader = false;
  let written = 0;
  for await (const event of filterWithNames(reader, wanted)) {
    if (!hasHeader) await lines.add(headerLine(reader).trimEnd());
    hasHeader = true;
    if (!isNamed(event)) written++;
    await lines.add(jsonText(event));
  }
  if (!hasHeader) await lines.add(headerLine(reader).trimEnd());
  await lines.flush();
  return { written };
}

export function nothingPassed(reader: TraceReader, { nodes }: TraceFilter): string {
  const names = [...reader.names.values()].map(({ name }) => escapeText(name));
  const shownNames = `${names.slice(0, 8).join(", ")}${names.length > 8 ? ` and ${names.length - 8} more` : ""}`;
  const hint = nodes === undefined || names.length === 0 ? "" : `; its nodes are ${shownNames}`;
  return `no event of ${escapeText(reader.path)} passes${hint}`;
}

/** Many short lines in few writes. */
export class LinePrinter {
  #lines: string[] = [];

  async add(line: string): Promise<void> {
    this.#lines.push(line);
    if (this.#lines.length >= 500) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#lines.length === 0) return;
    const text = this.#lines.join("\n");
    this.#lines = [];
    await print(text);
  }
}

// ---- compare ----

function compareCommand(): Command {
  return new Command("compare")
    .description("Say whether two traces are the same, where they part, and how what they came to differs")
    .argument("<a>", "a trace")
    .argument("<b>", "another one")
    .option("--json", "print the result as JSON")
    .addHelpText(
      "after",
      `
Ends with 0 if every event is the same, with 1 if not. A live run is never the same as another: then look at the
figures.

Examples:
  $ grapevine trace compare first.ndjson second.ndjson
  $ grapevine trace compare live.ndjson simulated.ndjson --json | jq '.figures[] | select(.figure == "rmr")'
`,
    )
    .action(async (a: string, b: string, options: { json?: boolean }) => {
      const readers = [readTrace(a), readTrace(b)] as const;
      const comparison = await reading(readers, () => compareTraces(...readers));
      await print(options.json ? jsonText(comparison) : comparisonText(readers, comparison));
      process.exitCode = comparison.identical ? 0 : 1;
    });
}

function comparisonText([a, b]: readonly TraceReader[], comparison: TraceComparison): string {
  const { identical, header, firstDifference, figures } = comparison;
  const lines = [
    identical ? pc.green("The same, event for event.") : pc.yellow("Not the same."),
    ...header.map(
      (one) =>
        `  ${one.field}: ${escapeText(JSON.stringify(one.a) ?? "-")} and ${escapeText(JSON.stringify(one.b) ?? "-")}`,
    ),
  ];
  if (firstDifference !== null) {
    const { index, a, b } = firstDifference;
    lines.push(
      `  The first that differ are the events number ${index}, counted from 0:`,
      `    a  ${a === null ? "(has ended)" : escapeText(a)}`,
      `    b  ${b === null ? "(has ended)" : escapeText(b)}`,
    );
  }
  const used = figures.filter((pair) => (pair.a ?? 0) !== 0 || (pair.b ?? 0) !== 0);
  lines.push(
    "",
    `  a = ${escapeText(a!.path)}, b = ${escapeText(b!.path)}`,
    table(["figure", "a", "b", "b - a", "b / a"], used.map(figureRow)),
  );
  return lines.join("\n");
}

function figureRow({ figure, a, b, difference, ratio }: FigurePair): (string | number)[] {
  const cell = (value: number | null) => (value === null ? "-" : Math.round(value * 1e4) / 1e4);
  return [escapeText(figure), cell(a), cell(b), cell(difference), cell(ratio)];
}

// ---- Reading ----

const firstProgressMs = 2000;

/** Reads traces to their end, with progress on standard error where that takes longer than a glance. */
export async function reading<Result>(
  readers: readonly TraceReader[],
  work: () => Promise<Result>,
): Promise<Result> {
  return await explaining(readers, async () => {
    const stop = startProgress(
      readers,
      readers.reduce((sum, { path }) => sum + sizeOf(path), 0),
    );
    try {
      return await work();
    } finally {
      stop();
    }
  });
}

/** What is wrong with a file is the user's to mend, and says how. */
export async function explaining<Result>(
  readers: readonly TraceReader[],
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const paths = readers.map(({ path }) => path);
    const isAboutFile = error instanceof UsageError && paths.some((path) => message.startsWith(path));
    if (isAboutFile && !message.includes("of version"))
      throw new UsageError(`${message} (a trace is what --trace FILE writes: grapevine up --trace FILE)`);
    if (typeof code !== "string" || !/^E[A-Z]+$/.test(code)) throw error;
    throw new UsageError(`${paths.join(", ")}: cannot be read (${message})`);
  } finally {
    for (const { path, skipped } of readers) {
      if (skipped > 0)
        process.stderr.write(
          `grapevine: ${escapeText(path)}: ${skipped} lines are no events and were passed over\n`,
        );
    }
  }
}

function sizeOf(path: string): number {
  const parts = traceParts(path); // throws where there is no file, before anything is begun
  return parts.reduce((sum, part) => sum + statSync(part).size, 0);
}

function startProgress(readers: readonly TraceReader[], totalBytes: number): () => void {
  const isTerminal = process.stderr.isTTY === true;
  const startedAt = performance.now();
  let hasDrawn = false;
  const timer = setInterval(
    () => {
      if (!isTerminal && performance.now() - startedAt < firstProgressMs) return;
      const bytes = readers.reduce((sum, { bytesRead }) => sum + bytesRead, 0);
      const events = readers.reduce((sum, reader) => sum + reader.events, 0);
      const share = totalBytes === 0 ? 1 : Math.min(1, bytes / totalBytes);
      const text = `reading: ${events} events, ${(100 * share).toFixed(0)} %`;
      hasDrawn = true;
      process.stderr.write(isTerminal ? `\r${text}` : `${text}\n`);
    },
    isTerminal ? 200 : firstProgressMs,
  );
  return () => {
    clearInterval(timer);
    if (hasDrawn && isTerminal) process.stderr.write("\r\x1b[K");
  };
}
