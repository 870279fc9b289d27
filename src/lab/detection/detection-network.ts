/** A network of nodes that do nothing but watch each other, with troubles and crashes. */
import {
  type FailureDetector,
  hashNumbers,
  type Millis,
  type NodeId,
  type Persist,
  type Random,
  sample,
  seededRandom,
  type Tagged,
  type Typed,
} from "../../core/index.ts";
import { contactOf, diskMs } from "../../simulated/index.ts";
import { Simulation } from "../../simulator/index.ts";
import { sealBytes, sealedHeaderBytes } from "../../wire/index.ts";
import { wireCodec } from "../wire-codec.ts";
import type { DetectionConditions, Trouble } from "./conditions.ts";
import type { DetectorTuning, LabDetector, MadeDetector } from "./lab-detectors.ts";
import { watchDegree } from "./lab-detectors.ts";
import { type SendTap, TroubledProcess } from "./troubled-process.ts";
import { Verdicts } from "./verdicts.ts";
import { randomCircles } from "./watch-graph.ts";

/** Each purpose has a die of its own, so that all detectors meet the same fate. */
const dice = { graph: 1, troubled: 2, start: 3, cuts: 4 } as const;
/** All begin within this time. */
const startWithinMs = 1000;
const introducers = 3;
/** A datagram beside its frames. */
const sealedBytes = sealedHeaderBytes + sealBytes;

export class DetectionNetwork {
  readonly simulation: Simulation;
  readonly verdicts: Verdicts;
  readonly #detector: LabDetector;
  readonly #tuning: DetectorTuning;
  readonly #conditions: DetectionConditions;
  readonly #graph: readonly (readonly number[])[];
  readonly #members: (MadeDetector | undefined)[];
  readonly #incarnations: number[];
  /** What ails whom. */
  readonly #troubles = new Map<number, Trouble>();
  readonly #onSend: SendTap | undefined;
  #datagrams = 0;

  constructor(
    detector: LabDetector,
    conditions: DetectionConditions,
    tuning: DetectorTuning,
    onSend?: SendTap,
  ) {
    const { nodes, seed, links, isWireTrue } = conditions;
    this.#detector = detector;
    this.#tuning = tuning;
    this.#conditions = conditions;
    this.#onSend = onSend;
    this.#graph = randomCircles(nodes, Math.min(watchDegree, nodes - 1), this.dieFor(dice.graph));
    this.#members = new Array(nodes).fill(undefined);
    this.#incarnations = new Array(nodes).fill(0);
    const usesWire = isWireTrue && detector.isOnWire;
    this.simulation = new Simulation({
      seed,
      rows: nodes,
      // A link is a stream; what travels beside it, the detector says.
      links: { kind: "stream", ...links },
      isDatagram: (message: Tagged) => this.#countedAsDatagram(message),
      ...(usesWire
        ? { codec: wireCodec(), idOf: contactOf }
        : { sizeOf: detector.isOnWire ? undefined : detector.sizeOf }),
      onNotice: (row, notice, at) => this.#onNotice(row, notice, at),
    });
    const { simulation } = this;
    this.verdicts = new Verdicts({
      rowOf: (node) => simulation.rowOf(node),
      idOf: (row) => simulation.idOf(row),
      incarnationOf: (row) => (simulation.isAlive(row) ? this.#incarnations[row] : undefined),
      isHealthy: (row) => !this.#troubles.has(row),
    });
    this.#chooseTroubled();
  }

  dieFor(purpose: number): Random {
    return seededRandom(hashNumbers([this.#conditions.seed, purpose]));
  }

  // ---- Starting and ending ----

  startAll(): void {
    const random = this.dieFor(dice.start);
    for (let row = 0; row < this.#conditions.nodes; row++) {
      this.simulation.at(random.below(startWithinMs), () => this.start(row));
    }
  }

  start(row: number): void {
    const { simulation } = this;
    const { nodes, quorum } = this.#conditions;
    const incarnation = simulation.time + 1;
    this.#incarnations[row] = incarnation;
    const rows = Array.from({ length: nodes }, (_, other) => other).filter((other) => other !== row);
    const idsOf = (list: readonly number[]) => list.map((other) => simulation.idOf(other));
    const made = this.#detector.make(
      {
        self: simulation.idOf(row),
        others: idsOf(rows),
        neighbors: idsOf(this.#graph[row]!),
        introducers: idsOf(rows.slice(0, introducers)),
        incarnation,
        since: simulation.time,
        quorum,
        incarnationOf: (node) => this.#incarnationOf(node),
      },
      this.#tuning,
    );
    this.#members[row] = made;
    this.verdicts.returned(row);
    const trouble = this.#troubles.get(row);
    const isPlain = this.#onSend === undefined && (trouble === undefined || trouble.kind === "slow");
    const { stack } = made;
    simulation.host(row, isPlain ? stack : new TroubledProcess(stack, trouble?.kind, this.#onSend));
  }

  /** The machine is gone: nobody is told that a connection broke. */
  crash(row: number): void {
    this.simulation.crash(row);
    this.#members[row] = undefined;
    this.verdicts.died(row, this.simulation.time);
  }

  // ---- Troubles ----

  #chooseTroubled(): void {
    const { nodes, troubles } = this.#conditions;
    // Anybody, also who introduces others: all have met before it begins.
    const rows = Array.from({ length: nodes }, (_, row) => row);
    const order = sample(rows, nodes, this.dieFor(dice.troubled));
    for (const trouble of troubles)
      for (const row of order.splice(0, trouble.nodes)) this.#troubles.set(row, trouble);
  }

  get healthy(): readonly number[] {
    const rows = Array.from({ length: this.#conditions.nodes }, (_, row) => row);
    return rows.filter((row) => !this.#troubles.has(row));
  }

  /** From now on, until the end of the run. */
  beginTroubles(): void {
    const random = this.dieFor(dice.cuts);
    const { healthy, simulation } = this;
    for (const [row, trouble] of this.#troubles) {
      if (trouble.kind === "slow") simulation.slowDown(row, trouble.perEventMs);
      else this.#beginOver(row, trouble, random.below(trouble.lengthMs + trouble.gapMs));
    }
    for (let cut = 0, tries = 0; cut < this.#conditions.cuts && tries < 1e6; tries++) {
      const from = healthy[random.below(healthy.length)]!;
      const to = healthy[random.below(healthy.length)]!;
      if (from === to || !simulation.links.connectivity.passes(from, to)) continue;
      simulation.links.connectivity.cut(from, to);
      cut++;
    }
  }

  #beginOver(row: number, trouble: Exclude<Trouble, { readonly kind: "slow" }>, afterMs: Millis): void {
    const { simulation } = this;
    simulation.at(simulation.time + afterMs, () => {
      simulation.command(row, { type: "trouble-begins" });
      simulation.command(row, { type: "trouble-ends" }, trouble.lengthMs);
      this.#beginOver(row, trouble, trouble.lengthMs + trouble.gapMs);
    });
  }

  // ---- Looking at it ----

  /** Those of the living who should notice if this one dies. */
  watchersOf(row: number): number[] {
    const watching = this.#detector.watches === "neighbors" ? this.#graph[row]! : this.healthy;
    return watching.filter(
      (other) => other !== row && this.simulation.isAlive(other) && !this.#troubles.has(other),
    );
  }

  hasGivenUp(observer: number, subject: number): boolean {
    return this.detectorOf(observer)?.stateOf(this.simulation.idOf(subject)) === "failed";
  }

  /** Of all pairs of a healthy watcher and whom it watches, the share that it takes for alive. */
  get settled(): number {
    let pairs = 0;
    let known = 0;
    for (const subject of this.healthy) {
      for (const watcher of this.watchersOf(subject)) {
        pairs++;
        if (this.detectorOf(watcher)!.stateOf(this.simulation.idOf(subject)) === "alive") known++;
      }
    }
    return known / pairs;
  }

  /** Undefined while it is dead. */
  detectorOf(row: number): FailureDetector | undefined {
    return this.#members[row]?.detector;
  }

  /** With what seals datagrams. */
  get bytes(): number {
    const { bytes } = this.simulation.counters;
    return this.#detector.isOnWire && bytes > 0 ? bytes + this.#datagrams * sealedBytes : bytes;
  }

  #incarnationOf(node: NodeId): number | undefined {
    const row = this.simulation.rowOf(node);
    return row !== undefined && this.simulation.isAlive(row) ? this.#incarnations[row] : undefined;
  }

  #countedAsDatagram(message: Tagged): boolean {
    const isDatagram = this.#detector.isDatagram(message);
    if (isDatagram) this.#datagrams++;
    return isDatagram;
  }

  #onNotice(row: number, { layer, body }: Tagged, at: Millis): void {
    if (body.type === "persist") this.#persist(row, layer, body as Persist);
    else this.verdicts.onNotice(row, body as Typed, at);
  }

  #persist(row: number, layer: string, { key, isAwaited }: Persist): void {
    if (isAwaited) this.simulation.command(row, { layer, body: { type: "persisted", key } }, diskMs);
  }
}
