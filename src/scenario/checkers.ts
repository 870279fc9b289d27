/**
 * Invariants of a network, checked from outside the nodes at every transition. Those that need calm the runner checks
 * when the network has had time to settle; these here may be broken at any moment and are noticed at once.
 */
import type { Millis, TraceEvent } from "../core/index.ts";
import { broadcastOptions } from "../dissemination/broadcast-options.ts";
import type { Peer } from "../profiles/index.ts";
import { durationMs } from "./duration.ts";
import {
  BeliefsAreGenuine,
  LivePeersStayListed,
  LivesGoForward,
  NoFalseVerdicts,
} from "./membership-checkers.ts";
import type { ObservedMessage, Observer } from "./observer.ts";
import { type InvariantName, invariantNames, type Scenario } from "./scenario.ts";
import { hasPartialViews, pingIntervalOf, profileIn, scenarioOptions } from "./scenario-options.ts";
import type { SimulatedWorld } from "./simulated-world.ts";
import { Watch } from "./watch.ts";
import type { Checker } from "./world.ts";

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
    for (const [row, { broadcast, view, members, modern }] of peers) {
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
      if (modern !== undefined) this.#lookAtMembership(at, name, modern, nodes);
    }
    // Each node has a handful of timers, and what its neighbors have sent it.
    const allowed = 1000 + nodes * (2000 + copiesUnderWay);
    if (simulation.pending > allowed)
      this.violate(at, `${simulation.pending} events wait for ${nodes} nodes`);
  }

  /** The dead are remembered, too, and each once. */
  #lookAtMembership(
    at: Millis,
    name: string,
    { swim, hyparview }: NonNullable<Peer["modern"]>,
    nodes: number,
  ): void {
    const known = swim.members.length;
    if (known >= nodes) this.violate(at, `${name} remembers ${known} others of ${nodes} nodes`);
    const { activeView, passiveView } = hyparview.options;
    if (hyparview.neighbors.length > activeView)
      this.violate(at, `${name} has ${hyparview.neighbors.length} neighbors, ${activeView} are allowed`);
    if (hyparview.passive.length > passiveView)
      this.violate(at, `${name} keeps ${hyparview.passive.length} spare peers, ${passiveView} are allowed`);
  }
}

/** So long after something was done to the network its members may still give up who lives. */
const settlingPings = 15;

/** The checkers that the scenario asks for. Those of memory look into nodes, and need a simulated world. */
export function checkersFor(
  scenario: Scenario,
  observer: Observer,
  simulated: SimulatedWorld | undefined,
): readonly Checker[] {
  const wanted = new Set<InvariantName>(scenario.invariants ?? invariantNames);
  const pingMs = pingIntervalOf(scenario);
  const boundMs = durationMs(scenario.maxUnlisted ?? "15 pings", pingMs, "maxUnlisted");
  const isModern = profileIn(scenario) === "modern";
  const all: readonly [InvariantName, () => Checker | undefined][] = [
    ["delivered-once", () => new DeliveredOnce(observer, simulated !== undefined)],
    ["delivered-was-published", () => new DeliveredWasPublished(observer)],
    [
      "live-peers-stay-listed",
      () => (hasPartialViews(scenario) ? undefined : new LivePeersStayListed(observer, boundMs, isModern)),
    ],
    ["lives-go-forward", () => (isModern ? new LivesGoForward(observer) : undefined)],
    ["beliefs-are-genuine", () => (isModern ? new BeliefsAreGenuine(observer) : undefined)],
    [
      "no-false-verdicts",
      () => (isModern ? new NoFalseVerdicts(observer, settlingPings * pingMs) : undefined),
    ],
    [
      "memory-bounds",
      () => (simulated === undefined ? undefined : new MemoryBounds(simulated, scenario, observer)),
    ],
  ];
  return all.flatMap(([name, make]) => (wanted.has(name) ? (make() ?? []) : []));
}
