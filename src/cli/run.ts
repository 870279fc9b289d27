import { fileURLToPath } from "node:url";
import { Command, Option } from "commander";
import pc from "picocolors";
import { UsageError } from "../core/index.ts";
import {
  aboutRun,
  checkersFor,
  createLiveWorld,
  createSimulatedWorld,
  findScenario,
  runScenario,
  type Scenario,
  type ScenarioReport,
  SimulatedWorld,
  scenarioLayer,
  scenarios,
  type World,
  withOverrides,
} from "../lab/index.ts";
import { TraceFile } from "../node/index.ts";
import { guardOutput } from "./api-client.ts";
import { exitWhenPrinted } from "./exit.ts";
import { wholeNumber } from "./numbers.ts";
import { htmlOption, pageOfRun } from "./trace-page.ts";
import { addTunables, readTunables } from "./tunable-options.ts";

/** The exit code of what Ctrl+C ended before it could say whether it holds. */
const interrupted = 130;

export type WorldName = World["kind"];

export interface RunOptions {
  readonly world: WorldName;
  readonly seed: number;
  readonly peers?: number;
  readonly seeds?: number;
  readonly plaintext?: boolean;
  readonly json?: boolean;
  readonly trace?: string;
  readonly html?: string;
}

/** What the scenarios that come with us are called, and what each is for. */
export const scenarioList = scenarios
  .map(({ name, description }) => `  ${name.padEnd(20)} ${description}`)
  .join("\n");

export function runCommand(): Command {
  const command = new Command("run")
    .description("Let a scenario happen to a network, simulated or live, and report whether it held")
    .argument("[scenario]", "a name of the list below, a YAML or JSON file, or all of the list")
    .addOption(
      new Option("--world <name>", "where: simulated, in virtual time, or live, over sockets and processes")
        .choices(["simulated", "live"])
        .default("simulated"),
    )
    .option("--seed <number>", "draws whatever is left to chance", wholeNumber("--seed", 0, 2 ** 48), 1)
    .option("--peers <number>", "peers, instead of the scenario's", wholeNumber("--peers", 1, 1_000_000))
    .option("--seeds <number>", "seeds, instead of the scenario's", wholeNumber("--seeds", 1, 1000))
    .option("--plaintext", "live: no TLS")
    .option("--json", "print one JSON object (a list for all) and nothing else")
    .option("--list", "list the scenarios that come with Grapevine")
    .option("--trace <file>", "write every event as a line of JSON")
    .option(...htmlOption);
  return addTunables(command)
    .addHelpText(
      "after",
      `
Scenarios:
${scenarioList}

The exit code is 0 only if everything held. The same seed gives the same simulated run.

Examples:
  $ grapevine run crash                            a second instead of half a minute
  $ grapevine run crash --world live               the same with processes and signals
  $ grapevine run hang --peers 1000 --seed 7 --json
  $ grapevine run crash --profile modern
  $ grapevine run my-scenario.yaml --trace run.ndjson
  $ grapevine run crash --html crash.html          see it, step by step, in a browser
`,
    )
    .action(async (name: string | undefined, options: RunOptions & { readonly list?: boolean }) => {
      if (options.list === true) return void process.stdout.write(`${scenarioList}\n`);
      if (name === undefined) return command.help();
      await runAll(name, options);
    });
}

/** Runs one scenario, or all that come with us, and sets the exit code. */
export async function runAll(
  name: string,
  options: RunOptions,
  {
    what = "scenario",
    shape = (report) => report,
  }: { what?: string; shape?: (report: ScenarioReport) => object } = {},
): Promise<void> {
  // A live network has to be closed, as after Ctrl+C.
  guardOutput(options.world === "live" ? () => process.kill(process.pid, "SIGINT") : undefined);
  const overrides = {
    peers: options.peers,
    seeds: options.seeds,
    options: readTunables(options as unknown as Record<string, unknown>),
  };
  for (const option of ["trace", "html"] as const) {
    if (name === "all" && options[option] !== undefined)
      throw new UsageError(`--${option}: one file holds one run; name one scenario instead of all`);
  }
  if (options.world === "simulated" && options.plaintext === true)
    throw new UsageError("--plaintext: a simulated network has no TLS to leave out");
  const chosen = name === "all" ? scenarios : [findScenario(name, what)];
  const isLoud = options.json !== true;
  const reports: ScenarioReport[] = [];
  for (const scenario of chosen) {
    if (isLoud) process.stdout.write(`${pc.bold(scenario.name)}\n`);
    const report = await runOne(withOverrides(scenario, overrides), options, isLoud ? say : () => {});
    reports.push(report);
    if (isLoud) process.stdout.write(`${verdict(report)}\n`);
  }
  const shown = reports.map(shape);
  if (!isLoud) process.stdout.write(`${JSON.stringify(name === "all" ? shown : shown[0])}\n`);
  process.exitCode = reports.every(({ ok }) => ok) ? 0 : 1;
  exitWhenPrinted();
}

async function runOne(
  scenario: Scenario,
  options: RunOptions,
  say: (text: string) => void,
): Promise<ScenarioReport> {
  const { seed } = options;
  const page = pageOfRun(options);
  const world = makeWorld(scenario, options);
  let trace: TraceFile | undefined;
  let report: ScenarioReport;
  // Processes and a folder would be left behind. A simulated run has none, and listens to nobody until it is done.
  let isInterrupted = false;
  const interrupt = () => {
    isInterrupted = true;
    void world.close().finally(() => process.exit(interrupted));
  };
  if (world.kind === "live") process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  try {
    if (page.trace !== undefined) trace = record(world, page.trace, aboutRun(scenario, seed));
    say(`${world.kind} network, seed ${seed}, ${paceOf(world)}`);
    const simulated = world instanceof SimulatedWorld ? world : undefined;
    report = await runScenario(scenario, world, {
      seed,
      // What fails because it was interrupted has not failed.
      say: (text) => (isInterrupted ? undefined : say(text)),
      checkers: (observer) => checkersFor(scenario, observer, simulated),
    });
  } finally {
    if (isInterrupted) await new Promise(() => {}); // what this run says now is of no interest
    await world.close();
    await trace?.close();
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
  await page.write();
  return report;
}

function paceOf({ profile, pingIntervalMs }: World): string {
  if (profile === "classic") return `a ping every ${pingIntervalMs} ms`;
  return `${profile} profile: a death is known within ${5 * pingIntervalMs} ms`;
}

/** Writes down every event of the world. */
function record(world: World, path: string, about: Record<string, unknown>): TraceFile {
  const trace = TraceFile.open(path, { world: world.kind, about });
  const roles = new Map<string, string>();
  world.onEvent((event) => {
    if (event.layer === scenarioLayer && (event.type === "joined" || event.type === "restarted")) {
      const name = event["name"] as string;
      if (event.type === "joined") roles.set(name, event["role"] as string);
      trace.name(event.node, name, roles.get(name)!);
    }
    trace.event(event);
  });
  return trace;
}

function makeWorld(scenario: Scenario, { world, seed, plaintext }: RunOptions): World {
  if (world === "simulated") return createSimulatedWorld(scenario, { seed });
  const program = fileURLToPath(new URL("./main.js", import.meta.url));
  return createLiveWorld(scenario, { seed, isPlaintext: plaintext === true, program });
}

function say(text: string): void {
  const coloured = text.replace(/^ok:/, pc.green("ok:")).replace(/^FAILED:/, pc.red("FAILED:"));
  process.stdout.write(`  ${coloured}\n`);
}

function verdict({ ok, figures }: ScenarioReport): string {
  return `${ok ? pc.green("held") : pc.red("did not hold")} ${JSON.stringify(figures)}`;
}
