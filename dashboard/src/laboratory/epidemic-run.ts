/**
 * A rumor among up to a million nodes, over columns: by events (each node calls at a time of its own) or in rounds.
 * Played frame by frame for who watches it; the same code runs in tests.
 */
import { type Millis, UsageError } from "../../../src/core/index.ts";
import { Rumor, type RumorOptions, rumorOptions } from "../../../src/dissemination/rumor.ts";
import { playRounds, type RoundResult, Simulation } from "../../../src/simulator/index.ts";

export const epidemicEngines = ["events", "synchronous", "sequential", "poisson"] as const;
/** `events`: virtual time, latency and loss. The others are kinds of rounds, which know neither. */
export type EpidemicEngine = (typeof epidemicEngines)[number];

export interface EpidemicConfig {
  readonly nodes: number;
  readonly engine: EpidemicEngine;
  readonly rumor: Partial<RumorOptions>;
  /** Share of messages that get lost; by events only. */
  readonly loss: number;
  readonly seed: number;
}

export const maxNodes = 1_000_000;
/** A rumor that has not reached everybody after so many calls of each node will not. */
const maxRounds = 1000;
/** As good as none: what theory says knows none either. */
const latencyMs = 1;
/** Between two looks at the clock of the machine: about a millisecond. */
const eventsPerSlice = 20_000;
/** Parts of a round at which the curve is noted, by events. */
const notesPerRound = 10;

/** How many are susceptible, infected and removed; a line of the curve. */
export interface EpidemicCounts {
  /** In rounds: by events, intervals between two calls of a node. */
  readonly round: number;
  readonly susceptible: number;
  readonly infected: number;
  readonly removed: number;
}

export class EpidemicRun {
  readonly config: EpidemicConfig;
  readonly rumor: Rumor;
  readonly curve: EpidemicCounts[] = [];
  readonly #simulation: Simulation | undefined;
  readonly #rounds: Generator<number, RoundResult> | undefined;
  #round = 0;
  #isOver = false;
  #silentSince: Millis | undefined;

  /** Throws `UsageError` naming what cannot be. */
  constructor(config: EpidemicConfig) {
    const { nodes, engine, loss, seed } = config;
    if (!Number.isSafeInteger(nodes) || nodes < 2 || nodes > maxNodes)
      throw new UsageError(`nodes: ${nodes} is not an integer between 2 and ${maxNodes}`);
    if (!epidemicEngines.includes(engine))
      throw new UsageError(`engine: ${engine} is not one of ${epidemicEngines.join(", ")}`);
    if (engine !== "events" && loss > 0)
      throw new UsageError("loss: rounds lose nothing; choose events, or leave it at 0");
    this.config = config;
    const options = rumorOptions({ ...config.rumor, isQuiet: true });
    this.rumor = new Rumor({ rows: nodes, options });
    if (engine === "events") {
      const latency = { model: "constant", ms: latencyMs } as const;
      this.#simulation = new Simulation({ seed, rows: nodes, links: { latency, loss } });
      this.#simulation.hostAll(this.rumor);
      this.#simulation.command(0, { type: "infect" });
      this.#simulation.run(0);
    } else {
      this.rumor.infect(0);
      const isUntilQuiet = options.stop !== "never";
      this.#rounds = playRounds(this.rumor, { seed, semantics: engine, maxRounds, isUntilQuiet });
    }
    this.#note();
  }

  /** So many rounds were played; by events with fractions. */
  get round(): number {
    return this.#round;
  }
  /** Nothing more will happen. */
  get isOver(): boolean {
    return this.#isOver;
  }
  get counts(): EpidemicCounts {
    const { rows, informed, spreading } = this.rumor;
    return {
      round: this.#round,
      susceptible: rows - informed,
      infected: spreading,
      removed: informed - spreading,
    };
  }
  /** By events: how many; in rounds, turns of nodes. */
  get events(): number {
    return this.#simulation?.counters.events ?? this.#round * this.config.nodes;
  }
  /** Copies of the rumor for each node. */
  get traffic(): number {
    return this.rumor.copies / this.rumor.rows;
  }

  /**
   * On to that round, but no longer than `mayGoOn` says: it is asked about every millisecond of ours. Rounds are
   * played whole.
   */
  playTo(round: number, mayGoOn: () => boolean): void {
    while (!this.#isOver && this.#round + 1e-9 < round && mayGoOn()) {
      if (this.#simulation !== undefined) this.#playEvents(this.#simulation, round, mayGoOn);
      else if (round >= this.#round + 1) this.#playRound(this.#rounds!);
      else return;
    }
  }

  #playRound(rounds: Generator<number, RoundResult>): void {
    const { done, value } = rounds.next();
    if (done === true) this.#isOver = true;
    else {
      this.#round = value as number;
      this.#note();
    }
  }

  /** To the next moment at which the curve is noted. */
  #playEvents(simulation: Simulation, round: number, mayGoOn: () => boolean): void {
    const { intervalMs } = this.rumor.options;
    const noteMs = intervalMs / notesPerRound;
    const next = Math.ceil((Math.floor(simulation.time / noteMs + 1e-9) + 1) * noteMs);
    const until = Math.min(next, Math.max(simulation.time + 1, Math.round(round * intervalMs)));
    while (simulation.run(until, eventsPerSlice) === "events") if (!mayGoOn()) return;
    this.#round = simulation.time / intervalMs;
    if (simulation.time >= next) this.#note();
    this.#isOver = this.#hasEnded(simulation);
    if (this.#isOver) this.#note();
  }

  #hasEnded(simulation: Simulation): boolean {
    const { rows, informed, spreading, options } = this.rumor;
    if (informed === rows && (options.stop === "never" || spreading === 0)) return true;
    if (simulation.pending === 0 || this.#round >= maxRounds) return true;
    if (spreading > 0) this.#silentSince = undefined;
    else this.#silentSince ??= simulation.time;
    // Copies that are under way when the last spreader falls silent may still reach somebody.
    return this.#silentSince !== undefined && simulation.time - this.#silentSince > 3 * options.intervalMs;
  }

  #note(): void {
    const counts = this.counts;
    const last = this.curve.at(-1);
    if (last !== undefined && last.round >= counts.round) this.curve.pop();
    this.curve.push(counts);
  }
}

/**
 * The place of each node where they are sorted by when they heard the rumor, and those who never did come last:
 * `order[place]` is the row.
 */
export function orderByInfection(infectedAt: Int32Array): Uint32Array<ArrayBuffer> {
  const rows = infectedAt.length;
  let latest = -1;
  for (let row = 0; row < rows; row++) latest = Math.max(latest, infectedAt[row]!);
  // Counted, not compared: times are few beside a million nodes.
  const starts = new Uint32Array(latest + 3);
  const slotOf = (row: number) => (infectedAt[row]! < 0 ? latest + 1 : infectedAt[row]!);
  for (let row = 0; row < rows; row++) starts[slotOf(row) + 1]!++;
  for (let slot = 1; slot < starts.length; slot++) starts[slot]! += starts[slot - 1]!;
  const order = new Uint32Array(rows);
  for (let row = 0; row < rows; row++) order[starts[slotOf(row)]!++] = row;
  return order;
}
