/** Rumor mongering over columns: by events, a million nodes and more, or in rounds of a named kind. */
import { Histogram, type Millis, traceEvent, UsageError } from "../../core/index.ts";
import { Rumor, type RumorMode, rumorOptions } from "../../dissemination/index.ts";
import { linkSettings, roundSemantics, runRounds, Simulation } from "../../simulator/index.ts";
import { CurveSampler } from "./curve.ts";
import { countsOf, rounded, spreadOf } from "./delivery-count.ts";
import { MachineClock, memoryMiB } from "./machine.ts";
import { checkCount, type Preset } from "./preset.ts";
import { predictedRumor } from "./rumor-prediction.ts";
import type {
  Ending,
  Reached,
  RoundsResult,
  RumorResult,
  RunWatch,
  SimulationInput,
  SimulationParameters,
} from "./run.ts";

const defaultNodes = 100_000;
/** A rumor that has not reached everybody after so many calls of each node will not. */
const limitInIntervals = 1000;
/** How often we look whether everybody knows, and take a sample of the curve. */
const stepsPerInterval = 20;
/** Whoever is still asked after the last spreader has fallen silent may be reached by copies that are under way. */
const silenceMs = 60_000;
const maxNodes = 2 ** 28 - 2;

// Measured: columns, agenda and what doubling it takes for a moment.
const bytesPerNodeOfEvents = 150;
const bytesPerNodeOfRounds = 16;

/** A preset for one mode, or, where the mode is left to the user, for all of them. */
export function rumorPreset(name: string, mode: RumorMode | undefined, description: string): Preset {
  return {
    name,
    description,
    defaultNodes,
    takes: ["links", "limitMs", "rumor", "rounds"],
    complete: (nodes, parameters) => complete(name, mode, nodes, parameters),
    memoryBytes: (nodes, { rounds }) =>
      nodes * (rounds === undefined ? bytesPerNodeOfEvents : bytesPerNodeOfRounds),
    run: (input, watch) =>
      input.parameters.rounds === undefined ? new RumorRun(input, watch).run() : runInRounds(input, watch),
  };
}

function complete(
  name: string,
  mode: RumorMode | undefined,
  nodes: number,
  parameters: SimulationParameters,
): SimulationParameters {
  checkCount("nodes", nodes, 2, maxNodes);
  const asked = parameters.rumor?.mode;
  if (mode !== undefined && asked !== undefined && asked !== mode)
    throw new UsageError(`mode: ${asked} is not that of ${name}; take the preset rumor, which has them all`);
  const rumor = rumorOptions({ mode: mode ?? "push", ...parameters.rumor });
  const { rounds, links, limitMs = limitInIntervals * rumor.intervalMs } = parameters;
  checkCount("limitMs", limitMs, 1);
  if (rounds === undefined) return { links: linkSettings(links), limitMs, rumor };
  if (!roundSemantics.includes(rounds))
    throw new UsageError(`rounds: ${rounds} is not one of ${roundSemantics.join(", ")}`);
  if (links !== undefined)
    throw new UsageError("links: rounds have none; leave them out, or leave out rounds");
  if (parameters.limitMs !== undefined) throw new UsageError("limitMs: rounds know no time; leave it out");
  return { rounds, rumor };
}

// ---- Events ----------------------------------------------------------------------------------------------------

class RumorRun {
  readonly #input: SimulationInput;
  readonly #watch: RunWatch;
  readonly #clock = new MachineClock();
  readonly #simulation: Simulation;
  readonly #rumor: Rumor;
  readonly #curve = new CurveSampler("ms");

  constructor(input: SimulationInput, watch: RunWatch) {
    const { nodes, seed, parameters } = input;
    const { trace } = watch;
    this.#input = input;
    this.#watch = watch;
    this.#rumor = new Rumor({ rows: nodes, options: parameters.rumor });
    this.#simulation = new Simulation({
      seed,
      rows: nodes,
      links: parameters.links,
      onNotice:
        trace === undefined
          ? undefined
          : (row, notice, at) => trace.event(traceEvent(at, row, "rumor", notice)),
    });
  }

  run(): RumorResult {
    this.#simulation.hostAll(this.#rumor);
    this.#simulation.command(0, { type: "infect" });
    this.#simulation.run(0);
    return this.#result(this.#spread());
  }

  #spread(): Ending {
    const simulation = this.#simulation;
    const rumor = this.#rumor;
    const { limitMs, rumor: options } = this.#input.parameters;
    const stepMs = Math.max(1, Math.round(options!.intervalMs! / stepsPerInterval));
    let silentSince: Millis | undefined;
    this.#sample();
    while (!this.#watch.isStopped()) {
      if (rumor.informed === rumor.rows && (options!.stop === "never" || rumor.spreading === 0))
        return "complete";
      if (simulation.pending === 0) return "quiet";
      if (rumor.spreading > 0) silentSince = undefined;
      else silentSince ??= simulation.time;
      if (silentSince !== undefined && simulation.time - silentSince >= silenceMs) return "quiet";
      if (simulation.time >= limitMs!) return "limit";
      simulation.run(Math.min(limitMs!, simulation.time + stepMs));
      this.#sample();
      const { events } = simulation.counters;
      this.#watch.onProgress(shareOf(rumor), events, simulation.time);
    }
    return "stopped";
  }

  #sample(): void {
    const { rows, informed, spreading } = this.#rumor;
    this.#curve.add(this.#simulation.time, rows - informed, spreading, informed - spreading);
  }

  #result(ending: Ending): RumorResult {
    const simulation = this.#simulation;
    const rumor = this.#rumor;
    const { preset, nodes, seed, parameters } = this.#input;
    const { events, messages } = simulation.counters;
    const wallMs = this.#clock.wallMs;
    const eventsPerSecond = this.#clock.rate(events);
    const times = rumor.infectedAt.slice().sort();
    const residue = (nodes - rumor.informed) / nodes;
    const { delays, delayMs } = delaysOf(times);
    return {
      preset,
      engine: "events",
      nodes,
      seed,
      ok: isAsAsked(ending),
      ending,
      ratio: rumor.informed / nodes,
      informed: rumor.informed,
      residue,
      reachedMs: reached(times),
      reachedRounds: inIntervals(reached(times), rumor.options.intervalMs),
      delayMs,
      copiesPerNode: rounded(rumor.copies / nodes),
      predicted: predictedRumor({
        nodes,
        rumor: rumor.options,
        loss: lossOf(parameters),
        semantics: undefined,
        measuredResidue: residue,
      }),
      messagesPerNode: rounded(messages / nodes),
      events,
      eventsPerSecond,
      virtualMs: simulation.time,
      wallMs,
      bytesPerNode: rounded((simulation.memoryBytes + rumor.bytes) / nodes),
      memoryMiB: memoryMiB(),
      traceHash: simulation.hash,
      parameters,
      curve: this.#curve.curve,
      delays,
    };
  }
}

/** A rumor that nodes lose interest in is meant to end before everybody has heard it. */
function isAsAsked(ending: Ending): boolean {
  return ending === "complete" || ending === "quiet";
}

/** Of the time that a rumor takes: it grows exponentially at first, and what is left falls so in the end. */
function shareOf({ rows, informed }: Rumor): number {
  const grown = Math.log(Math.max(1, informed)) / Math.log(rows);
  const rest = Math.log(rows - informed + 1) / Math.log(rows);
  return (grown + 1 - rest) / 2;
}

/** When so many of all nodes knew it; `times` are sorted, and begin with -1 for those who never did. */
function reached(times: Int32Array): Reached {
  const never = firstAtLeast(times, 0);
  const at = (share: number) => {
    const needed = Math.ceil(share * times.length - 1e-9);
    return needed <= times.length - never ? times[never + needed - 1]! : null;
  };
  return { p50: at(0.5), p99: at(0.99), p100: at(1) };
}

function inIntervals({ p50, p99, p100 }: Reached, intervalMs: Millis): Reached {
  const share = (ms: number | null) => (ms === null ? null : rounded(ms / intervalMs));
  return { p50: share(p50), p99: share(p99), p100: share(p100) };
}

/** Over streams what is lost is sent again. */
function lossOf({ links }: SimulationParameters): number {
  const { kind, loss } = linkSettings(links);
  return kind === "stream" ? 0 : loss;
}

function firstAtLeast(sorted: Int32Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function delaysOf(times: Int32Array): Pick<RumorResult, "delays" | "delayMs"> {
  const histogram = new Histogram();
  let sum = 0;
  // The first one knew it without being told.
  for (let i = firstAtLeast(times, 0) + 1; i < times.length; ) {
    const value = times[i]!;
    const next = firstAtLeast(times.subarray(i), value + 1) + i;
    histogram.add(value, next - i);
    sum += value * (next - i);
    i = next;
  }
  return { delays: countsOf(histogram), delayMs: spreadOf(histogram, sum / histogram.total) };
}

// ---- Rounds ----------------------------------------------------------------------------------------------------

class Stopped extends Error {}

function runInRounds(input: SimulationInput, watch: RunWatch): RoundsResult {
  if (watch.trace !== undefined)
    throw new UsageError("trace: rounds have no events to write; leave it out, or leave out rounds");
  const { preset, nodes, seed, parameters } = input;
  const clock = new MachineClock();
  const rumor = new Rumor({ rows: nodes, options: parameters.rumor });
  const curve = new CurveSampler("rounds");
  const sample = (round: number) =>
    curve.add(round, nodes - rumor.informed, rumor.spreading, rumor.informed - rumor.spreading);
  rumor.infect(0);
  sample(0);
  let played = 0;
  const onRound = (round: number) => {
    played = round;
    sample(round);
    watch.onProgress(shareOf(rumor), round * nodes, round);
    if (watch.isStopped()) throw new Stopped();
  };
  const semantics = parameters.rounds!;
  let ran: ReturnType<typeof runRounds> | undefined;
  try {
    const isUntilQuiet = rumor.options.stop !== "never";
    ran = runRounds(rumor, { seed, semantics, isUntilQuiet, onRound });
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
  }
  const wallMs = clock.wallMs;
  const rounds = ran?.rounds ?? played;
  const nodeRoundsPerSecond = clock.rate(nodes * rounds);
  const isComplete = ran?.ending === "quiet" && rumor.informed === nodes;
  const ending = isComplete ? "complete" : endingOf(ran?.ending);
  const residue = (nodes - rumor.informed) / nodes;
  const order = semantics === "sequential" ? 4 * nodes : 0;
  return {
    preset,
    engine: "rounds",
    semantics,
    nodes,
    seed,
    ok: isAsAsked(ending),
    ending,
    ratio: rumor.informed / nodes,
    informed: rumor.informed,
    residue,
    rounds,
    time: rounded(ran?.time ?? played),
    reachedRounds: reached(rumor.infectedAt.slice().sort()),
    copiesPerNode: rounded(rumor.copies / nodes),
    predicted: predictedRumor({
      nodes,
      rumor: rumor.options,
      loss: 0,
      semantics,
      measuredResidue: residue,
    }),
    nodeRoundsPerSecond,
    wallMs,
    bytesPerNode: rounded((rumor.bytes + order) / nodes),
    memoryMiB: memoryMiB(),
    traceHash: ran?.hash ?? "",
    parameters,
    curve: curve.curve,
  };
}

function endingOf(ending: "informed" | "quiet" | "max-rounds" | undefined): Ending {
  switch (ending) {
    case "informed":
      return "complete";
    case "quiet":
      return "quiet";
    case "max-rounds":
      return "limit";
    case undefined:
      return "stopped";
  }
}
