/**
 * What a run came to, from its trace: who was there, what arrived and how soon, what it cost, who failed and how soon
 * that was known. Events are fed one by one, from a file or by a simulation while it runs:
 *
 *     const summary = new TraceSummary();
 *     for await (const event of readTrace("run.ndjson")) summary.add(event);
 *     summary.report().ratio
 *
 * Types have the same meaning in whichever layer they appear (docs/trace.md), but for those of the layers `trace`,
 * `node` and `scenario`. Other stacks are summed up as soon as they use the types.
 */
import type { Millis, NodeId, TraceEvent } from "../core/index.ts";
import { rounded } from "./distribution.ts";
import { type FailureFigures, FailureLedger, nameOf } from "./failure-ledger.ts";
import { scenarioLayer, traceLayer } from "./layers.ts";
import { entry, type MessageFigures, MessageLedger } from "./message-ledger.ts";
import { NodeRegister, type TracedNode } from "./node-register.ts";
import { verdictIn } from "./verdict.ts";

export interface TraceReport extends MessageFigures, FailureFigures {
  readonly events: number;
  /** Events that are missing, because the disk refused them. */
  readonly lost: number;
  /** Of the first and the last event; null where there is none. */
  readonly from: Millis | null;
  readonly until: Millis | null;
  readonly durationMs: Millis;
  /** Nodes with events of their own, by role. */
  readonly nodes: Readonly<Record<string, number>>;
  /** Events by layer and type. */
  readonly byType: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Copies that a peer sent. */
  readonly sendsPerPeer: { readonly mean: number; readonly max: number; readonly most: string } | null;
}

/**
 * Memory grows with nodes, messages times nodes (see `MessageLedger`) and faults times seeds, never with the events:
 * a trace of any length can be summed up.
 */
export class TraceSummary {
  readonly #nodes = new NodeRegister();
  readonly #messages = new MessageLedger();
  readonly #failures = new FailureLedger();
  readonly #byType = new Map<string, Map<string, number>>();
  #events = 0;
  #lost = 0;
  #from = Number.POSITIVE_INFINITY;
  #until = Number.NEGATIVE_INFINITY;

  /** For those who hand in events themselves. A file names its nodes by events of its own. */
  name(node: NodeId, name: string, role: string): void {
    this.#nodes.name(node, name, role);
  }

  add(event: TraceEvent): void {
    const { at, node, layer, type } = event;
    this.#events++;
    this.#count(layer, type);
    if (layer === traceLayer) return this.#onTrace(event);
    // Whoever marks a gap has only the clock of the machine, so that events of layer `trace` do not count here.
    if (at < this.#from) this.#from = at;
    if (at > this.#until) this.#until = at;
    if (layer === scenarioLayer) return this.#onScenario(event);
    if (node === "") return;
    const where = this.#nodes.of(node);
    if (!where.isSeen || where.state === "unborn") this.#onFirst(where, type);
    this.#onNotice(where, event);
  }

  report(): TraceReport {
    const seen = this.#nodes.all.filter(({ isSeen }) => isSeen);
    const isEmpty = this.#until < this.#from;
    return {
      events: this.#events,
      lost: this.#lost,
      from: isEmpty ? null : this.#from,
      until: isEmpty ? null : this.#until,
      durationMs: isEmpty ? 0 : this.#until - this.#from,
      nodes: countBy(seen.map(({ role }) => role)),
      byType: Object.fromEntries(
        [...this.#byType].map(([layer, types]) => [layer, Object.fromEntries(types)]),
      ),
      ...this.#messages.report(this.#nodes.all),
      sendsPerPeer: sendsPerPeer(seen.filter(({ role }) => role !== "seed")),
      ...this.#failures.report(),
    };
  }

  #count(layer: string, type: string): void {
    const types = entry(this.#byType, layer, () => new Map<string, number>());
    types.set(type, (types.get(type) ?? 0) + 1);
  }

  #onTrace(event: TraceEvent): void {
    if (event.type === "lost") this.#lost += numberOf(event["events"]);
    if (event.type === "named" && event.node !== "")
      this.#nodes.name(event.node, String(event["name"]), String(event["role"]));
  }

  /** What the layers of a node say. Fields that are not as documented are passed over: files come from anywhere. */
  #onNotice(where: TracedNode, event: TraceEvent): void {
    const { at } = event;
    switch (event.type) {
      case "published":
        return this.#messages.onPublished(
          this.#nodeIn(event["origin"]) ?? where,
          numberOf(event["incarnation"]),
          numberOf(event["sequence"]),
        );
      case "delivered": {
        const origin = this.#nodeIn(event["origin"]);
        if (origin === undefined) return;
        return this.#messages.onDelivered(
          where,
          { origin, incarnation: numberOf(event["incarnation"]), sequence: numberOf(event["sequence"]) },
          this.#nodeIn(event["from"]),
          at - numberOf(event["statedAt"] ?? at),
        );
      }
      case "forwarded": {
        const origin = this.#nodeIn(event["origin"]);
        const to = event["to"];
        if (origin === undefined || !Array.isArray(to)) return;
        return this.#messages.onForwarded(
          where,
          {
            origin,
            incarnation: numberOf(event["incarnation"]),
            sequence: numberOf(event["sequence"]),
            count: numberOf(event["count"] ?? 1),
          },
          to.length,
        );
      }
      case "history-sent":
        return this.#messages.onHistorySent(where, numberOf(event["messages"]));
      case "suspected":
      case "neighbor-failed":
      case "peer-removed":
      case "member-suspected":
      case "member-failed":
        return this.#onVerdict(where, event);
      case "refuted":
        return this.#failures.onRefuted();
      case "suspect-answered":
        return this.#failures.onAnswered();
      case "listening":
        return this.#onAlive(where, at);
      case "left":
        return this.#onEnd(where, "left");
      case "stopped":
        if (event["reason"] === "killed") return this.#onCrash(where, at);
        return this.#onEnd(where, event["reason"] === "left" ? "left" : "closed");
    }
  }

  #onVerdict(where: TracedNode, event: TraceEvent): void {
    const verdict = verdictIn(event, where.role === "seed");
    const about = this.#nodeIn(verdict?.about);
    if (about === undefined) return;
    switch (verdict!.type) {
      case "suspected":
        return this.#failures.onSuspected(about);
      case "neighbor-failed":
        return this.#failures.onNeighborFailed(about, event.at);
      case "peer-removed":
        return this.#failures.onRemoved(where, about, event.at);
    }
  }

  /** What was done to a node. */
  #onScenario(event: TraceEvent): void {
    const { at, type } = event;
    if (type === "partitioned" || type === "cut") return this.#failures.onSplit(true);
    if (type === "healed") return this.#failures.onSplit(false);
    if (event.node === "") return;
    const { name, role } = event;
    const node =
      typeof name === "string"
        ? this.#nodes.name(event.node, name, typeof role === "string" ? role : this.#nodes.roleOf(name))
        : this.#nodes.of(event.node);
    switch (type) {
      case "joined":
        node.isSeen = true;
        return this.#onAlive(node, at);
      case "restarted":
        node.isSeen = true;
        if (event["keepsDisk"] === false) this.#nodes.takeNewRow(node);
        return this.#onAlive(node, at);
      case "crashed":
        return this.#onCrash(node, at);
      case "left":
        return this.#onEnd(node, "left");
      case "paused":
        if (node.state !== "alive") return;
        node.state = "paused";
        return this.#failures.onFault(node, "paused", at, this.#livingSeeds());
      case "resumed":
        if (node.state === "paused") node.state = "alive";
        return this.#failures.onReturn(node, at);
    }
  }

  /**
   * A node is there from its `listening`, `joined` or `registering`. One that begins with anything else was there
   * before the trace, or before what a filter has left of it.
   */
  #onFirst(node: TracedNode, type: string): void {
    node.isSeen = true;
    if (node.state !== "unborn") return;
    node.state = "alive";
    node.lifeFrom = type === "listening" || type === "registering" ? this.#messages.published : 0;
  }

  #onAlive(node: TracedNode, at: Millis): void {
    this.#failures.onReturn(node, at);
    if (node.state === "alive") return;
    node.state = "alive";
    node.lifeFrom = this.#messages.published;
    node.lifeTo = Number.POSITIVE_INFINITY;
  }

  #onCrash(node: TracedNode, at: Millis): void {
    if (node.state === "dead") return;
    node.isSeen = true;
    this.#onEnd(node, "dead");
    this.#failures.onFault(node, "crashed", at, this.#livingSeeds());
  }

  /** What was closed in order has had its chance until then; nothing was to reach any longer who crashed or left. */
  #onEnd(node: TracedNode, state: "closed" | "dead" | "left"): void {
    if (node.state !== "alive" && node.state !== "paused" && node.state !== "unborn") return;
    node.state = state;
    node.lifeTo = state === "closed" ? this.#messages.published : node.lifeFrom;
  }

  #livingSeeds(): number {
    return this.#nodes.all.filter(({ role, state }) => role === "seed" && state === "alive").length;
  }

  #nodeIn(value: unknown): TracedNode | undefined {
    if (typeof value === "number" || (typeof value === "string" && value !== ""))
      return this.#nodes.of(value);
    return undefined;
  }
}

function sendsPerPeer(peers: readonly TracedNode[]): TraceReport["sendsPerPeer"] {
  if (peers.length === 0) return null;
  let total = 0;
  let most = peers[0]!;
  for (const peer of peers) {
    total += peer.sends;
    if (peer.sends > most.sends) most = peer;
  }
  return { mean: rounded(total / peers.length), max: most.sends, most: nameOf(most) };
}

function countBy(roles: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const role of roles) counts.set(role, (counts.get(role) ?? 0) + 1);
  return Object.fromEntries(counts);
}

function numberOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}
