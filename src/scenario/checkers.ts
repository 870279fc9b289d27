/**
 * Invariants of a network, checked from outside the nodes at every transition. Those that need calm the runner checks
 * when the network has had time to settle; these here may be broken at any moment and are noticed at once.
 */
import { type Identity, identityOf, type Millis, type NodeId, type TraceEvent } from "../core/index.ts";
import { broadcastOptions } from "../dissemination/broadcast-options.ts";
import { durationMs } from "./duration.ts";
import type { ObservedMessage, ObservedNode, Observer } from "./observer.ts";
import { type InvariantName, invariantNames, type Scenario, type Violation } from "./scenario.ts";
import { pingIntervalOf, scenarioOptions } from "./scenario-options.ts";
import type { SimulatedWorld } from "./simulated-world.ts";
import type { Checker } from "./world.ts";

/** One broken invariant tends to break again with every event: the first few tell the story. */
const maxViolations = 5;

abstract class Watch implements Checker {
  readonly violations: Violation[] = [];
  readonly #invariant: InvariantName;

  constructor(invariant: InvariantName) {
    this.#invariant = invariant;
  }

  abstract onEvent(event: TraceEvent): void;
  atCalm(): void {}

  protected violate(at: Millis, detail: string): void {
    if (this.violations.length < maxViolations) {
      this.violations.push({ invariant: this.#invariant, at, detail });
    }
  }
}

/** No message is given to the application twice; by a simulated disk not even after a restart. */
class DeliveredOnce extends Watch {
  readonly #observer: Observer;
  readonly #disksAreExact: boolean;

  constructor(observer: Observer, disksAreExact: boolean) {
    super("delivered-once");
    this.#observer = observer;
    this.#disksAreExact = disksAreExact;
  }

  onEvent(event: TraceEvent): void {
    if (event.type !== "delivered") return;
    const { latestDelivery } = this.#observer;
    if (latestDelivery === "first" || (latestDelivery === "again" && !this.#disksAreExact)) return;
    this.violate(
      event.at,
      `${describe(event)} ${latestDelivery} at ${this.#observer.nodeOf(event.node)?.name}`,
    );
  }
}

/**
 * Nothing is delivered that nobody has published. That a process has published something is read from its trace, a
 * moment after others were given it: so the verdict waits for the end.
 */
class DeliveredWasPublished extends Watch {
  readonly #observer: Observer;
  readonly #suspects: { readonly message: ObservedMessage; readonly at: Millis; readonly detail: string }[] =
    [];

  constructor(observer: Observer) {
    super("delivered-was-published");
    this.#observer = observer;
  }

  onEvent(event: TraceEvent): void {
    const message = this.#observer.latestMessage;
    if (event.type !== "delivered" || message?.isUnpublished !== true) return;
    const detail = `${describe(event)} at ${this.#observer.nodeOf(event.node)?.name}`;
    this.#suspects.push({ message, at: event.at, detail });
  }

  override atCalm(): void {
    for (const { message, at, detail } of this.#suspects) if (message.isUnpublished) this.violate(at, detail);
  }
}

function describe(event: TraceEvent): string {
  const { origin, incarnation, sequence } = event as unknown as Record<string, unknown>;
  return `message ${origin}/${incarnation}/${sequence} delivered`;
}

/**
 * A peer that lives and can be reached is missing from a seed's list for no longer than the scenario allows: from the
 * moment when it was removed, or could be reached again, until the seed lists it.
 */
class LivePeersStayListed extends Watch {
  readonly #observer: Observer;
  readonly #boundMs: Millis;
  /** By seed, then by peer: since when it is missing there. */
  readonly #missing = new Map<string, Map<Identity, Millis>>();

  constructor(observer: Observer, boundMs: Millis) {
    super("live-peers-stay-listed");
    this.#observer = observer;
    this.#boundMs = boundMs;
  }

  onEvent(event: TraceEvent): void {
    switch (event.type) {
      case "peer-removed":
        return this.#onRemoved(event);
      case "peer-listed": {
        const missing = this.#missingAt(event);
        const identity = identityOf(event["peer"] as NodeId);
        const since = missing?.get(identity);
        if (since === undefined) return;
        this.#check(event, event["peer"] as NodeId, since);
        missing!.delete(identity);
        return;
      }
      // What began before any of these says nothing about the time after it.
      case "healed":
      case "restarted":
      case "resumed":
        for (const missing of this.#missing.values())
          for (const identity of missing.keys()) missing.set(identity, event.at);
    }
  }

  override atCalm(): void {
    for (const [seed, missing] of this.#missing) {
      for (const identity of missing.keys()) {
        const node = this.#observer.nodes.find(({ id }) => identityOf(id) === identity);
        const lister = this.#observer.node(seed);
        if (node === undefined || !isReachable(node) || lister === undefined || !isReachable(lister))
          continue;
        this.violate(missing.get(identity)!, `${node.name} was removed by ${seed} and never came back`);
      }
    }
  }

  #missingAt(event: TraceEvent): Map<Identity, Millis> | undefined {
    const seed = this.#observer.nodeOf(event.node);
    return seed === undefined ? undefined : this.#missing.get(seed.name);
  }

  #onRemoved(event: TraceEvent): void {
    const seed = this.#observer.nodeOf(event.node);
    if (seed === undefined || event["reason"] === "left") return;
    let missing = this.#missing.get(seed.name);
    if (missing === undefined) {
      missing = new Map();
      this.#missing.set(seed.name, missing);
    }
    missing.set(identityOf(event["peer"] as NodeId), event.at);
  }

  #check(event: TraceEvent, peer: NodeId, since: Millis): void {
    const node = this.#observer.nodeOf(peer);
    if (node === undefined || this.#observer.isDivided) return;
    const from = Math.max(since, node.backSince, this.#observer.healedAt);
    if (event.at - from <= this.#boundMs) return;
    const seed = this.#observer.nodeOf(event.node)?.name;
    this.violate(event.at, `${node.name} was missing at ${seed} for ${event.at - from} ms`);
  }
}

function isReachable(node: ObservedNode): boolean {
  return node.isLiving && !node.isPaused;
}

/** Looked at after so many events: the state of all nodes is a lot to look at. */
const eventsBetweenLooks = 2000;

/** A flood sends a message over each link once, or twice where copies cross: so many may be under way to a node. */
const copiesPerNode = 20;

/** No node keeps more than its options say, and nothing grows without an end. */
class MemoryBounds extends Watch {
  readonly #world: SimulatedWorld;
  readonly #observer: Observer;
  readonly #retainMessages: number;
  #events = 0;

  constructor(world: SimulatedWorld, scenario: Scenario, observer: Observer) {
    super("memory-bounds");
    this.#world = world;
    this.#observer = observer;
    this.#retainMessages =
      scenarioOptions(scenario).broadcast?.retainMessages ?? broadcastOptions.specs.retainMessages.default;
  }

  onEvent(event: TraceEvent): void {
    if (++this.#events % eventsBetweenLooks === 0)
      this.#look(event.at, this.#observer.published * copiesPerNode);
  }

  override atCalm(): void {
    this.#look(this.#world.now, 0);
  }

  #look(at: Millis, copiesUnderWay: number): void {
    const { network } = this.#world;
    const { peers, simulation } = network;
    const nodes = network.names.length;
    for (const [row, { broadcast, view, members }] of peers) {
      const name = network.nameOf(row);
      if (broadcast.retainedCount > this.#retainMessages)
        this.violate(
          at,
          `${name} keeps ${broadcast.retainedCount} messages, ${this.#retainMessages} are allowed`,
        );
      if (broadcast.hotCount > broadcast.maxHotCount)
        this.violate(
          at,
          `${name} spreads ${broadcast.hotCount} messages, ${broadcast.maxHotCount} are allowed`,
        );
      if (view.neighbors.length > nodes)
        this.violate(at, `${name} has ${view.neighbors.length} neighbors among ${nodes} nodes`);
      if (members.size > nodes) this.violate(at, `${name} knows ${members.size} of ${nodes} nodes`);
    }
    // Each node has a handful of timers, and what its neighbors have sent it.
    const allowed = 1000 + nodes * (2000 + copiesUnderWay);
    if (simulation.pending > allowed)
      this.violate(at, `${simulation.pending} events wait for ${nodes} nodes`);
  }
}

/** The checkers that the scenario asks for. Those of memory look into nodes, and need a simulated world. */
export function checkersFor(
  scenario: Scenario,
  observer: Observer,
  simulated: SimulatedWorld | undefined,
): readonly Checker[] {
  const wanted = new Set<InvariantName>(scenario.invariants ?? invariantNames);
  const boundMs = durationMs(scenario.maxUnlisted ?? "15 pings", pingIntervalOf(scenario), "maxUnlisted");
  const all: readonly [InvariantName, () => Checker | undefined][] = [
    ["delivered-once", () => new DeliveredOnce(observer, simulated !== undefined)],
    ["delivered-was-published", () => new DeliveredWasPublished(observer)],
    ["live-peers-stay-listed", () => new LivePeersStayListed(observer, boundMs)],
    [
      "memory-bounds",
      () => (simulated === undefined ? undefined : new MemoryBounds(simulated, scenario, observer)),
    ],
  ];
  return all.flatMap(([name, make]) => (wanted.has(name) ? (make() ?? []) : []));
}
