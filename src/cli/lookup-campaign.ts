/** `grapevine campaign --router …`: what is tried, and in which words it is told. */
import { writeFileSync } from "node:fs";
import pc from "picocolors";
import {
  type LookupCampaignFailure,
  type LookupCampaignReport,
  readRunFile,
  replayRun,
  runFileText,
  runLookupCampaign,
  type Violation,
} from "../lab/index.ts";
import { exitWhenPrinted } from "./exit.ts";
import { checkWritable, unwritable } from "./output-file.ts";
import { Progress } from "./progress.ts";

export interface LookupCampaignOptions {
  readonly router: string;
  readonly runs: number;
  readonly seed: number;
  readonly threads?: number | undefined;
  readonly shrink: boolean;
  readonly output?: string | undefined;
  readonly json?: boolean | undefined;
}

const interrupted = 130;

export async function lookupCampaign(options: LookupCampaignOptions): Promise<void> {
  const { router, runs, seed, threads, shrink, output, json } = options;
  if (output !== undefined) checkWritable("--output", output);
  const progress = new Progress({ isOn: json !== true, whole: runs });
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  const report = await runLookupCampaign({
    ...{ router, runs, seed, threads },
    shrinks: shrink ? 1 : 0,
    signal: controller.signal,
    onProgress: (done, failed) =>
      progress.draw(done, failed === 0 ? "nothing broken" : `${failed} broke an invariant`),
  });
  progress.end();
  if (output !== undefined) writeRun(report, output);
  if (json === true) process.stdout.write(`${JSON.stringify(report)}\n`);
  else process.stdout.write(`${verdict(report, output)}\n`);
  if (json !== true && controller.signal.aborted)
    process.stdout.write(pc.yellow(`stopped: ${count(report.runs)} of ${count(runs)} runs\n`));
  const held = report.violations === 0 && report.vacuous === 0 && report.neverOccurred.length === 0;
  process.exitCode = controller.signal.aborted ? interrupted : held ? 0 : 1;
  exitWhenPrinted();
}

/** As data: which nodes, which links, what happens when. */
function writeRun({ failures }: LookupCampaignReport, path: string): void {
  const [failure] = failures;
  if (failure?.shrunk === undefined) return;
  try {
    writeFileSync(path, runFileText({ seed: failure.seed, draft: failure.shrunk.draft }));
  } catch (error) {
    throw unwritable("--output", path, error);
  }
}

/** The one run that a file describes. */
export function lookupReplay(path: string, isJson: boolean): void {
  const run = readRunFile(path);
  const outcome = replayRun(run);
  const { violations, events, hash } = outcome;
  if (isJson) process.stdout.write(`${JSON.stringify(outcome)}\n`);
  else {
    const what = `${run.draft.router} and the store, ${run.draft.steps.length} steps, ${count(events)} events, hash ${hash}`;
    process.stdout.write(
      violations.length === 0
        ? `${pc.green("nothing broke")}: ${what}\n`
        : `${pc.red("an invariant broke")}: ${what}\n${shown(violations, 20).join("\n")}\n`,
    );
  }
  process.exitCode = violations.length === 0 ? 0 : 1;
  exitWhenPrinted();
}

function verdict(report: LookupCampaignReport, output: string | undefined): string {
  const { router, runs, violations, vacuous, neverOccurred, events, virtualMs, wallMs, hash, failures } =
    report;
  const perSecond = Math.round((events / wallMs) * 1000).toLocaleString("en");
  const hours = (virtualMs / 3_600_000).toFixed(1);
  const lines = [
    violations === 0
      ? pc.green(`nothing broke in ${count(runs)} ${runs === 1 ? "run" : "runs"} of ${router} and the store`)
      : pc.red(`${count(violations)} of ${count(runs)} runs of ${router} and the store broke an invariant`),
    `  ${events.toLocaleString("en")} events, ${hours} h of virtual time in ${(wallMs / 1000).toFixed(1)} s (${perSecond} events/s), hash ${hash}`,
    `  what happened: ${interesting(report)}`,
  ];
  if (vacuous > 0) lines.push(pc.red(`  ${vacuous} runs prove nothing: no fault, or nothing looked up`));
  if (neverOccurred.length > 0) lines.push(pc.red(`  never happened: ${neverOccurred.join(", ")}`));
  for (const failure of failures.slice(0, 5)) lines.push(...describe(failure, output));
  if (failures.length > 5) lines.push(`  and ${failures.length - 5} more`);
  return lines.join("\n");
}

const shownNames = [
  "crashed",
  "restarted",
  "left",
  "joined",
  "paused",
  "partitioned",
  "put-stored",
  "delete-stored",
  "looked-up-after-calm",
  "read-of-an-acknowledged-value",
  "looked whether the-ring-holds",
  "message-lost",
];

function interesting({ occurred }: LookupCampaignReport): string {
  return shownNames
    .flatMap((name) => (occurred[name] === undefined ? [] : [`${name} ${count(occurred[name])}`]))
    .join(", ");
}

function describe(
  { seed, violations, command, shrunk }: LookupCampaignFailure,
  output: string | undefined,
): string[] {
  const lines = [`  seed ${pc.bold(String(seed))}: ${command}`, ...shown(violations)];
  if (shrunk === undefined) return lines;
  const { draft, stepsBefore, runs } = shrunk;
  lines.push(
    `    shrunk from ${stepsBefore} steps to ${draft.steps.length}, with ${draft.nodes} nodes, in ${runs} runs:`,
    ...shown(shrunk.violations),
    ...draft.steps.map((step) => `      ${JSON.stringify(step)}`),
  );
  if (output !== undefined) lines.push(`    grapevine campaign --replay ${output}`);
  return lines;
}

function shown(violations: readonly Violation[], most = 3): string[] {
  return violations
    .slice(0, most)
    .map(({ invariant, at, detail }) => `      at ${at} ms: ${invariant}: ${detail}`);
}

function count(value: number): string {
  return value.toLocaleString("en");
}
