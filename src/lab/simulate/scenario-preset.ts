/** A scenario in virtual time, with the figures of its trace beside the verdict. */
import { Histogram, Moments, type TraceEvent, UsageError } from "../../core/index.ts";
import { degreeLawOf } from "../../profiles/index.ts";
import { checkersFor } from "../../scenario/checkers.ts";
import { runScenario } from "../../scenario/runner.ts";
import type { Scenario } from "../../scenario/scenario.ts";
import {
  defaultPeers,
  defaultSeeds,
  scenarioOptions,
  withOverrides,
} from "../../scenario/scenario-options.ts";
import type { SimulatedWorld } from "../../scenario/simulated-world.ts";
import { linkSettings } from "../../simulator/index.ts";
import { describeDegrees } from "../../theory/degree-report.ts";
import { scenarioLayer, TraceSummary } from "../../trace/index.ts";
import { scenarioOf } from "../scenario/scenario-file.ts";
import { createSimulatedWorld } from "../scenario/simulated-world.ts";
import { countsOf, rounded, spreadOf } from "./delivery-count.ts";
import { MachineClock, memoryMiB } from "./machine.ts";
import type { Preset } from "./preset.ts";
import type {
  Ending,
  RunWatch,
  ScenarioResult,
  SimulationInput,
  SimulationParameters,
  TraceSink,
} from "./run.ts";

/** Nobody knows how long a scenario takes: half of the bar is a minute of virtual time. */
const halfOfTheBarMs = 60_000;
const watchedEvery = 4096;
/** Guess: as a small classic network. */
const bytesPerPeer = 400_000;

export const scenarioPreset: Preset = {
  name: "scenario",
  description: "what a scenario describes, by its name or from a file",
  defaultNodes: defaultPeers,
  takes: ["scenario", "seeds", "links", "isWireTrue", "options"],
  complete,
  memoryBytes: (nodes) => nodes * bytesPerPeer,
  run,
};

function complete(nodes: number, parameters: SimulationParameters): SimulationParameters {
  const { scenario, seeds, links, isWireTrue, options } = parameters;
  if (scenario === undefined) throw new UsageError("scenario: there is none; name one or a file");
  linkSettings({ ...scenario.network?.links, ...links });
  const { network, ...rest } = withOverrides(scenario, { peers: nodes, seeds, options });
  const changed: Scenario = {
    ...rest,
    network: {
      ...network,
      ...(links === undefined ? {} : { links: { ...network?.links, ...links } }),
      ...(isWireTrue === true ? { isWireTrue } : {}),
    },
  };
  return { scenario: scenarioOf(changed) };
}

class Stopped extends Error {}

async function run(input: SimulationInput, watch: RunWatch): Promise<ScenarioResult> {
  const clock = new MachineClock();
  const { seed } = input;
  const scenario = input.parameters.scenario!;
  const world = createSimulatedWorld(scenario, { seed });
  const summary = new TraceSummary();
  const delays = new Histogram();
  const delayMoments = new Moments();
  const roles = new Map<string, string>();
  let isStopped = false;
  let seen = 0;
  world.onEvent((event) => {
    summary.add(event);
    if (event.type === "delivered") countDelay(event, delays, delayMoments);
    if (watch.trace !== undefined) write(event, watch.trace, roles);
    if (seen++ % watchedEvery !== 0) return;
    const { counters } = world.network.simulation;
    watch.onProgress(1 - halfOfTheBarMs / (halfOfTheBarMs + world.now), counters.events, world.now);
    isStopped ||= watch.isStopped();
    if (isStopped) throw new Stopped("stopped");
  });
  const { ok, checks, violations, figures } = await runScenario(scenario, world, {
    seed,
    checkers: (observer) => checkersFor(scenario, observer, world),
  });
  const ending: Ending = isStopped ? "stopped" : ok ? "complete" : "limit";
  const failedChecks = checks.filter((check) => !check.ok);
  const ours = figuresOf(input, world, summary, clock);
  return {
    ...ours,
    ok: ok && !isStopped,
    ending,
    delayMs: spreadOf(delays, delayMoments.mean),
    violations,
    failedChecks: failedChecks.map(({ claim, detail }) =>
      detail === undefined ? claim : `${claim} (${detail})`,
    ),
    // Those of the scenario itself: the others are there already, by the same names.
    figures: Object.fromEntries(Object.entries(figures).filter(([name]) => !Object.hasOwn(ours, name))),
    parameters: input.parameters,
    delays: countsOf(delays),
  };
}

function figuresOf(
  { preset, nodes, seed, parameters }: SimulationInput,
  world: SimulatedWorld,
  summary: TraceSummary,
  clock: MachineClock,
) {
  const { network } = world;
  const { counters, hash } = network.simulation;
  const {
    published,
    deliveries,
    expected,
    ratio,
    deliveredTwice,
    deliveredFromNowhere,
    rmr,
    rmrWithHistory,
    ldh,
  } = summary.report();
  const { seeds = defaultSeeds } = parameters.scenario!.network ?? {};
  return {
    preset,
    engine: "events" as const,
    nodes,
    seed,
    ratio: ratio ?? 1,
    published,
    deliveries,
    expected,
    deliveredTwice,
    deliveredFromNowhere,
    events: counters.events,
    eventsPerSecond: clock.rate(counters.events),
    virtualMs: world.now,
    wallMs: clock.wallMs,
    traceHash: hash,
    rmr,
    rmrWithHistory,
    ldh,
    messagesPerNode: rounded(counters.messages / (nodes + seeds)),
    ...(counters.bytes > 0 ? { bytes: counters.bytes } : {}),
    connected: network.isConnected,
    memoryMiB: memoryMiB(),
    degrees: describeDegrees(
      network.adjacency().map((neighbors) => neighbors.length),
      degreeLawOf(scenarioOptions(parameters.scenario!)),
    ),
  };
}

function countDelay(event: TraceEvent, delays: Histogram, moments: Moments): void {
  const { statedAt } = event;
  if (typeof statedAt !== "number") return;
  const delayMs = Math.max(0, event.at - statedAt);
  delays.add(delayMs);
  moments.add(delayMs);
}

/** Who restarts is what it was when it joined. */
function write(event: TraceEvent, trace: TraceSink, roles: Map<string, string>): void {
  const { type, layer, node, name, role } = event;
  if (layer === scenarioLayer && (type === "joined" || type === "restarted")) {
    if (type === "joined") roles.set(name as string, role as string);
    trace.name(node, name as string, roles.get(name as string)!);
  }
  trace.event(event);
}
