import { writeFileSync } from "node:fs";
import { Command, Option } from "commander";
import pc from "picocolors";
import { stringify } from "yaml";
import { UsageError } from "../core/index.ts";
import {
  type CampaignBroadcast,
  type CampaignFailure,
  type CampaignReport,
  campaignBroadcasts,
  faultKinds,
  labRouters,
  lookupFaultKinds,
  memberFaultKinds,
  runCampaign,
} from "../lab/index.ts";
import { type ProfileName, stackOptions } from "../profiles/index.ts";
import { guardOutput } from "./api-client.ts";
import { exitWhenPrinted } from "./exit.ts";
import { lookupCampaign, lookupReplay } from "./lookup-campaign.ts";
import { wholeNumber } from "./numbers.ts";
import { checkWritable, unwritable } from "./output-file.ts";
import { Progress } from "./progress.ts";

interface CampaignOptions {
  readonly runs: number;
  readonly seed: number;
  readonly threads?: number;
  readonly profile: ProfileName;
  readonly broadcast: CampaignBroadcast;
  readonly router?: string;
  readonly replay?: string;
  readonly shrink: boolean;
  readonly output?: string;
  readonly json?: boolean;
}

const interrupted = 130;

export function campaignCommand(): Command {
  return new Command("campaign")
    .description(
      "Draw random scenarios full of faults, simulate them on all cores, and see whether anything breaks",
    )
    .option("--runs <number>", "how many scenarios", wholeNumber("--runs", 1, 10_000_000), 200)
    .option(
      "--seed <number>",
      "of the first scenario; the others follow",
      wholeNumber("--seed", 0, 2 ** 48),
      1,
    )
    .option(
      "--threads <number>",
      "worker threads (default: one for each core)",
      wholeNumber("--threads", 1, 1024),
    )
    .addOption(
      new Option("--profile <name>", "which protocols the nodes run")
        .choices(stackOptions.specs.profile.choices!)
        .default("classic"),
    )
    .addOption(
      new Option(
        "--broadcast <name>",
        "how messages spread; any: each scenario draws it, and its options; modern: plumtree",
      )
        .choices(campaignBroadcasts)
        .default("any"),
    )
    .addOption(
      new Option(
        "--router <name>",
        "instead of the classic network: this router with the store on top, random lookups, puts and gets",
      ).choices(labRouters.map(({ name }) => name)),
    )
    .option("--replay <file>", "one run of a router, as --output has written it")
    .option("--no-shrink", "do not look for a smaller scenario that breaks the same")
    .option(
      "--output <file>",
      "write the smallest scenario that fails as YAML, for `grapevine run`; of a router, for --replay",
    )
    .option("--json", "print one JSON object and nothing else")
    .addHelpText(
      "after",
      `
Which kinds of faults can happen is drawn for each run: ${faultKinds.join(", ")};
with --profile modern also ${memberFaultKinds.join(" and ")}: members that accuse others falsely, and many that join at once.
Invariants are checked from outside the nodes, at every transition and after a calm. The same seed draws the same
scenario and gives the same run, on any machine and with any number of threads.

With --router the kinds are: ${lookupFaultKinds.join(", ")}. After a calm everybody has to find
who is responsible for any key, and to read what was acknowledged last; Chord's invariant is looked at in every step.

The exit code is 0 only if nothing broke, and if what should happen in a campaign did happen.

Examples:
  $ grapevine campaign                          200 scenarios, a few seconds
  $ grapevine campaign --runs 1000 --seed 1 --json
  $ grapevine campaign --profile modern --runs 1000
  $ grapevine campaign --broadcast bimodal      the same faults, another way of spreading
  $ grapevine campaign --router chord --runs 1000
  $ grapevine campaign --runs 1 --seed 81723 --output failing.yaml
  $ grapevine run failing.yaml --seed 81723     look at one closely
`,
    )
    .action((options: CampaignOptions) => campaign(options));
}

async function campaign(options: CampaignOptions): Promise<void> {
  guardOutput();
  const { runs, seed, threads, profile, broadcast, router, replay, shrink, output, json } = options;
  if (replay !== undefined) return lookupReplay(replay, json === true);
  if (router !== undefined) {
    if (profile !== "classic")
      throw new UsageError("--profile: a campaign of a router runs nothing but that router; leave it out");
    if (broadcast !== "any") throw new UsageError("--broadcast: routers broadcast nothing; leave it out");
    return await lookupCampaign({ router, runs, seed, threads, shrink, output, json });
  }
  if (output !== undefined) checkWritable("--output", output);
  const progress = new Progress({ isOn: json !== true, whole: runs });
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  const report = await runCampaign({
    runs,
    seed,
    threads,
    profile,
    broadcast,
    shrinks: shrink ? 1 : 0,
    signal: controller.signal,
    onProgress: (done, failed) =>
      progress.draw(done, failed === 0 ? "nothing broken" : `${failed} broke an invariant`),
  });
  progress.end();
  if (output !== undefined) writeScenario(report, output);
  if (json === true) process.stdout.write(`${JSON.stringify(report)}\n`);
  else process.stdout.write(`${verdict(report, output)}\n`);
  if (json !== true && controller.signal.aborted)
    process.stdout.write(pc.yellow(`stopped: ${count(report.runs)} of ${count(runs)} scenarios\n`));
  const held = report.violations === 0 && report.vacuous === 0 && report.neverOccurred.length === 0;
  process.exitCode = controller.signal.aborted ? interrupted : held ? 0 : 1;
  exitWhenPrinted();
}

function writeScenario({ failures }: CampaignReport, path: string): void {
  const shrunk = failures[0]?.shrunk;
  if (shrunk === undefined) return;
  try {
    writeFileSync(path, stringify(shrunk.scenario));
  } catch (error) {
    throw unwritable("--output", path, error);
  }
}

function verdict(report: CampaignReport, output: string | undefined): string {
  const { runs, violations, vacuous, neverOccurred, events, virtualMs, wallMs, hash, failures } = report;
  const perSecond = Math.round((events / wallMs) * 1000).toLocaleString("en");
  const hours = (virtualMs / 3_600_000).toFixed(1);
  const lines = [
    violations === 0
      ? pc.green(`nothing broke in ${count(runs)} ${runs === 1 ? "scenario" : "scenarios"}`)
      : pc.red(`${count(violations)} of ${count(runs)} scenarios broke an invariant`),
    `  ${events.toLocaleString("en")} events, ${hours} h of virtual time in ${(wallMs / 1000).toFixed(1)} s (${perSecond} events/s), hash ${hash}`,
    `  what happened: ${interesting(report)}`,
  ];
  if (vacuous > 0) lines.push(pc.red(`  ${vacuous} runs prove nothing: no fault, or nothing delivered`));
  if (neverOccurred.length > 0) lines.push(pc.red(`  never happened: ${neverOccurred.join(", ")}`));
  for (const failure of failures.slice(0, 5)) lines.push(...describe(failure, output));
  if (failures.length > 5) lines.push(`  and ${failures.length - 5} more`);
  return lines.join("\n");
}

function count(value: number): string {
  return value.toLocaleString("en");
}

function interesting({ occurred }: CampaignReport): string {
  const names = [
    "delivered",
    "crashed",
    "restarted",
    "paused",
    "partitioned",
    "cut",
    "peer-removed",
    "member-failed",
    "refuted",
  ];
  return [...names, "message-lost", "message-duplicated", "stream-reset"]
    .filter((name) => occurred[name] !== undefined)
    .map((name) => `${name} ${(occurred[name] ?? 0).toLocaleString("en")}`)
    .join(", ");
}

function describe(
  { seed, violations, command, shrunk }: CampaignFailure,
  output: string | undefined,
): string[] {
  const shown = (list: typeof violations) =>
    list.slice(0, 3).map(({ invariant, at, detail }) => `      at ${at} ms: ${invariant}: ${detail}`);
  const lines = [`  seed ${pc.bold(String(seed))}: ${command}`, ...shown(violations)];
  if (shrunk === undefined) return lines;
  const { steps, stepsBefore, peers, seeds, runs } = shrunk;
  lines.push(
    `    shrunk from ${stepsBefore} steps to ${steps}, with ${peers} peers and ${seeds} seeds, in ${runs} runs:`,
    ...shown(shrunk.violations),
    ...(shrunk.scenario.timeline ?? []).map((step) => `      ${JSON.stringify(step)}`),
  );
  if (output !== undefined) lines.push(`    grapevine run ${output} --seed ${seed}`);
  return lines;
}
