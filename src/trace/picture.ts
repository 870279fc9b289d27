/**
 * The network at one moment, from its trace: who is there, who is linked, who suspects whom, what the seeds list.
 *
 *     const picture = new NetworkPicture(new NodeRegister());
 *     for (const event of events) picture.apply(event);
 *     picture.nodes.get(row)?.state
 *
 * A picture can say itself in events again (`prologue`). Whoever begins to look in the middle of a run is told these
 * first, and whoever goes back in time begins at the nearest of them.
 *
 * Bounded by who is there: of those who are gone the latest are kept.
 */
import type { Millis, NodeId, TraceEvent } from "../core/index.ts";
import { scenarioLayer, traceLayer } from "./layers.ts";
import { NodeRegister } from "./node-register.ts";
import { isTraceEvent } from "./trace-line.ts";
import { hasDoubted, isOwnDoubt } from "./verdict.ts";

/** A paused process lives; one that is `stopped` ended in order, one that is `dead` did not. */
export type NodeState = (typeof states)[number];

export interface PicturedNode {
  /** Its place in the register: stable for the run, and the index of every column about nodes. */
  readonly row: number;
  id: NodeId;
  name: string;
  role: "seed" | "peer" | "unknown";
  state: NodeState;
  /** Nothing of its own was heard so far: others speak of it. */
  isSpokenOf: boolean;
  /** Since when it is there, and since when it is no longer. */
  since: Millis;
  until: Millis | undefined;
  /** Rows of those that it holds links to, as it says itself. */
  readonly neighbors: Set<number>;
  /** A seed's peer list, as rows. Empty in peers. */
  readonly list: Set<number>;
  /** Rows of the seeds that have it on disk, as it was told. */
  readonly registeredWith: Set<number>;
  /** Rows of those that miss its answers at the moment, and when they began to. */
  readonly suspectedBy: Map<number, Millis>;
  /** What was said about its life and death, the latest last; bounded. */
  readonly evidence: TraceEvent[];
  published: number;
  delivered: number;
  copiesSent: number;
}

/** What keeps messages from arriving at the moment. */
export type Disturbance = Pick<TraceEvent, "at" | "type"> & { readonly event: TraceEvent };

/** So much is kept about the death of each. */
const maxEvidence = 64;
/** Partitions and cuts that are drawn; one that heals ends all. */
const maxDisturbances = 32;
/** Links have fewer settings; a file can name any. */
const maxLinkSettings = 32;
/** Of those who are gone the latest so many are kept; before the others are looked for, it may be twice as many. */
const maxGone = 2000;

export class NetworkPicture {
  readonly register: NodeRegister;
  /** By row, in the order in which they were seen first. */
  readonly nodes = new Map<number, PicturedNode>();
  readonly disturbances: Disturbance[] = [];
  /** What links were changed to since the beginning: `loss`, `latency`, … */
  linkSettings: Readonly<Record<string, unknown>> = {};
  /** Of the last event. */
  at: Millis = 0;
  /** Grows with everything that changes who is there or who is linked. */
  topologyVersion = 0;
  /** With more nodes it is time to forget some. */
  #enoughNodes = 2 * maxGone;

  constructor(register: NodeRegister) {
    this.register = register;
  }

  /** The node of that id, name or contact, as far as events were about it. */
  find(id: NodeId): PicturedNode | undefined {
    return this.nodes.get(this.register.of(id).row);
  }

  apply(event: TraceEvent): void {
    const { layer, at } = event;
    if (layer === traceLayer) this.#onTrace(event);
    else {
      this.at = Math.max(this.at, at);
      if (layer === scenarioLayer) this.#onScenario(event);
      else if (event.node !== "") this.#onNotice(this.#speaker(event), event);
    }
    if (this.nodes.size > this.#enoughNodes) this.#forgetOldest();
  }

  /** Each link once, as rows, the smaller first: those that both ends hold, or one of them. */
  *links(): Generator<readonly [number, number]> {
    for (const node of this.nodes.values()) {
      for (const other of node.neighbors) {
        if (node.row < other) yield [node.row, other];
        else if (this.nodes.get(other)?.neighbors.has(node.row) !== true) yield [other, node.row];
      }
    }
  }

  /** Events that make this picture from nothing, all of them at its time: one for each node, and what is cut. */
  prologue(): TraceEvent[] {
    const { at } = this;
    const idOf = (row: number) => this.nodes.get(row)!.id;
    const ids = (rows: Iterable<number>) => Array.from(rows, idOf);
    const pictured = Array.from(this.nodes.values(), ({ row: _, id, ...node }) => ({
      at,
      node: id,
      layer: traceLayer,
      type: "pictured",
      ...node,
      neighbors: ids(node.neighbors),
      list: ids(node.list),
      registeredWith: ids(node.registeredWith),
      suspectedBy: Array.from(node.suspectedBy, ([row, since]) => [idOf(row), since]),
      evidence: [...node.evidence],
    }));
    const links = { at, node: "", layer: scenarioLayer, type: "links-changed", set: this.linkSettings };
    const changed = Object.keys(this.linkSettings).length > 0 ? [links] : [];
    return [...pictured, ...changed, ...this.disturbances.map(({ event }) => event)];
  }

  /** The same with a register of its own, which has nobody but those who are in the picture: rows are others then. */
  afresh(): NetworkPicture {
    const picture = new NetworkPicture(new NodeRegister());
    for (const event of this.prologue()) picture.apply(event);
    return picture;
  }

  // ---- What happened ----

  #onTrace(event: TraceEvent): void {
    const { at, node, type, ...fields } = event;
    if (node === "") return; // a gap, by the clock of the machine
    if (type === "named") {
      const { name, role } = fields;
      this.register.name(node, String(name), String(role));
      const known = this.#speaker(event);
      known.name = String(name);
      known.role = roleOf(role);
      known.id = node;
    } else if (type === "pictured") this.#onPictured(this.#speaker(event), fields);
    this.at = Math.max(this.at, at);
  }

  #onPictured(node: PicturedNode, fields: Readonly<Record<string, unknown>>): void {
    const { at } = this;
    const { name, role, state, since, until, neighbors, list, registeredWith, suspectedBy, evidence } =
      fields;
    if (typeof name === "string") {
      node.name = name;
      this.register.name(node.id, name, String(role));
    }
    node.role = roleOf(role);
    node.isSpokenOf = fields["isSpokenOf"] === true;
    if (isState(state)) node.state = state;
    if (typeof since === "number") node.since = since;
    node.until = typeof until === "number" ? until : undefined;
    const fill = (rows: Set<number>, ids: unknown) => {
      rows.clear();
      for (const id of arrayOf(ids)) this.#add(rows, id, at);
    };
    fill(node.neighbors, neighbors);
    fill(node.list, list);
    fill(node.registeredWith, registeredWith);
    node.suspectedBy.clear();
    for (const [by, from] of arrayOf(suspectedBy).map(arrayOf)) {
      const observer = this.#subject(by, at);
      if (observer !== undefined && typeof from === "number") node.suspectedBy.set(observer.row, from);
    }
    node.evidence.length = 0;
    node.evidence.push(...arrayOf(evidence).filter(isTraceEvent).slice(-maxEvidence));
    for (const count of ["published", "delivered", "copiesSent"] as const)
      node[count] = Number(fields[count]) || 0;
    this.topologyVersion++;
  }

  #onScenario(event: TraceEvent): void {
    const { at, type } = event;
    if (event.node === "") {
      if (type === "healed") this.disturbances.length = 0;
      else if (type === "links-changed") this.#onLinksChanged(event["set"]);
      else if (type === "partitioned" || type === "cut") {
        this.disturbances.push({ at, type, event });
        if (this.disturbances.length > maxDisturbances) this.disturbances.shift();
      }
      return;
    }
    const node = this.#speaker(event);
    if (type === "joined" || type === "restarted") {
      this.register.name(event.node, String(event["name"]), String(event["role"] ?? node.role));
      node.name = String(event["name"]);
      if (event["role"] !== undefined) node.role = roleOf(event["role"]);
      this.#begin(node, at);
    } else if (type === "crashed") this.#end(node, "dead", at);
    else if (type === "left") this.#end(node, "left", at);
    else if (type === "paused") node.state = "paused";
    else if (type === "resumed") node.state = "alive";
    if (lifeEvents.has(type)) this.#note(node, event);
  }

  #onLinksChanged(set: unknown): void {
    if (typeof set !== "object" || set === null) return;
    const merged = Object.entries({ ...this.linkSettings, ...set });
    this.linkSettings = Object.fromEntries(merged.slice(0, maxLinkSettings));
  }

  #onNotice(node: PicturedNode, event: TraceEvent): void {
    const { at, type } = event;
    switch (type) {
      case "listening":
        node.id = event.node;
        return this.#begin(node, at);
      case "stopped": {
        const reason = event["reason"];
        this.#end(node, reason === "killed" ? "dead" : reason === "left" ? "left" : "stopped", at);
        return this.#note(node, event);
      }
      case "left":
        return this.#end(node, "left", at);
      case "registered": {
        // Whoever sees one process only learns from this alone who is what.
        const seed = this.#subject(event["seed"], at);
        if (seed === undefined) return;
        if (seed.role === "unknown") seed.role = "seed";
        if (node.role === "unknown") node.role = "peer";
        node.registeredWith.add(seed.row);
        return;
      }
      case "peer-listed":
        return this.#add(node.list, event["peer"], at);
      case "member-up":
      case "member-cleared":
      case "member-suspected":
      case "member-failed":
        return this.#onMember(node, event);
      case "peer-removed": {
        const peer = this.#subject(event["peer"], at);
        if (peer === undefined) return;
        node.list.delete(peer.row);
        return this.#note(peer, event);
      }
      case "neighbor-up":
        this.topologyVersion++;
        return this.#add(node.neighbors, event["neighbor"], at);
      case "neighbor-down": {
        const neighbor = this.#subject(event["neighbor"], at);
        if (neighbor === undefined) return;
        node.neighbors.delete(neighbor.row);
        neighbor.suspectedBy.delete(node.row);
        this.topologyVersion++;
        return;
      }
      case "ping-answered":
        this.#subject(event["neighbor"], at)?.suspectedBy.delete(node.row);
        return;
      case "ping-missed":
      case "suspected":
      case "neighbor-failed": {
        const subject = this.#subject(event["neighbor"], at);
        if (subject === undefined) return;
        if (!subject.suspectedBy.has(node.row)) subject.suspectedBy.set(node.row, at);
        return this.#note(subject, event);
      }
      case "neighbor-unreachable":
        this.#subject(event["neighbor"], at)?.suspectedBy.delete(node.row);
        return this.#noteAbout(event["neighbor"], event);
      case "dead-node":
      case "dead-report-received":
      case "dead-report-ignored":
        return this.#noteAbout(event["suspect"], event);
      case "suspect-answered":
        return this.#noteAbout(event["peer"], event);
      case "peer-left": {
        const peer = this.#subject(event["peer"], at);
        if (peer === undefined) return;
        if (event.layer === "membership") node.list.delete(peer.row);
        peer.suspectedBy.delete(node.row);
        return this.#note(peer, event);
      }
      case "refuted":
        node.suspectedBy.clear();
        return this.#note(node, event);
      case "published":
        node.published++;
        return;
      case "delivered":
        node.delivered++;
        return;
      case "forwarded": {
        const to = event["to"];
        node.copiesSent += (Array.isArray(to) ? to.length : 0) * (Number(event["count"]) || 1);
        return;
      }
      case "history-sent":
        node.copiesSent += Number(event["messages"]) || 0;
    }
  }

  /** A member learns something of another one. The list of a seed is whom it takes for alive. */
  #onMember(node: PicturedNode, event: TraceEvent): void {
    const { at, type } = event;
    const peer = this.#subject(event["peer"], at);
    if (peer === undefined) return;
    if (type === "member-up" || type === "member-cleared") peer.suspectedBy.delete(node.row);
    else if (!peer.suspectedBy.has(node.row)) peer.suspectedBy.set(node.row, at);
    const isListed = node.role === "seed" && peer.role !== "seed";
    if (isListed && type === "member-up") node.list.add(peer.row);
    if (isListed && type === "member-failed") node.list.delete(peer.row);
    // What all hear of each other would leave no room for what they have found themselves, and for what seeds did.
    const isNoted = type === "member-failed" ? node.role === "seed" || hasDoubted(event) : isOwnDoubt(event);
    if (isNoted && (type === "member-failed" || type === "member-suspected")) this.#note(peer, event);
  }

  // ---- Nodes ----

  /** Whose event it is. */
  #speaker({ node: id, at }: TraceEvent): PicturedNode {
    const node = this.#of(id, at);
    node.isSpokenOf = false;
    return node;
  }

  #of(id: NodeId, at: Millis): PicturedNode {
    const traced = this.register.of(id);
    let node = this.nodes.get(traced.row);
    if (node === undefined) {
      node = {
        row: traced.row,
        id,
        name: traced.name || shortName(id),
        role: roleOf(traced.role),
        state: "alive",
        isSpokenOf: true,
        since: at,
        until: undefined,
        neighbors: new Set(),
        list: new Set(),
        registeredWith: new Set(),
        suspectedBy: new Map(),
        evidence: [],
        published: 0,
        delivered: 0,
        copiesSent: 0,
      };
      this.nodes.set(traced.row, node);
      this.topologyVersion++;
    }
    return node;
  }

  #begin(node: PicturedNode, at: Millis): void {
    if (node.state !== "alive" || node.until !== undefined) {
      node.neighbors.clear();
      node.registeredWith.clear();
      node.suspectedBy.clear();
    }
    node.state = "alive";
    node.since = at;
    node.until = undefined;
    this.topologyVersion++;
  }

  /** Its own links end with it; that others still hold theirs is theirs to say. */
  #end(node: PicturedNode, state: NodeState, at: Millis): void {
    // `left` and then `closed` is one end, as is whatever the shell says of somebody who was killed.
    if (node.until !== undefined) return;
    node.state = state;
    node.until = at;
    node.neighbors.clear();
    for (const other of this.nodes.values()) other.suspectedBy.delete(node.row);
    this.topologyVersion++;
  }

  /**
   * Of those who ended, or of whom nothing of their own was ever heard, and whom nobody who is there lists or links to.
   * Anybody may come and go, or be spoken of, as often as somebody likes.
   */
  #forgetOldest(): void {
    const held = new Set<number>();
    for (const { until, neighbors, list } of this.nodes.values())
      if (until === undefined) for (const rows of [neighbors, list]) for (const row of rows) held.add(row);
    const gone = [...this.nodes.values()].filter(
      ({ row, until, isSpokenOf }) => (until !== undefined || isSpokenOf) && !held.has(row),
    );
    gone.sort((a, b) => (b.until ?? b.since) - (a.until ?? a.since));
    for (const { row } of gone.slice(maxGone)) this.nodes.delete(row);
    for (const { neighbors, list, registeredWith, suspectedBy } of this.nodes.values())
      for (const rows of [neighbors, list, registeredWith, suspectedBy])
        for (const row of rows.keys()) if (!this.nodes.has(row)) rows.delete(row);
    this.#enoughNodes = Math.max(2 * maxGone, 1.5 * this.nodes.size);
    this.topologyVersion++;
  }

  #add(rows: Set<number>, id: unknown, at: Millis): void {
    const node = this.#subject(id, at);
    if (node !== undefined) rows.add(node.row);
  }

  #subject(id: unknown, at: Millis): PicturedNode | undefined {
    return typeof id === "string" || typeof id === "number" ? this.#of(id, at) : undefined;
  }

  #noteAbout(id: unknown, event: TraceEvent): void {
    const subject = this.#subject(id, event.at);
    if (subject !== undefined) this.#note(subject, event);
  }

  #note({ evidence }: PicturedNode, event: TraceEvent): void {
    evidence.push(event);
    if (evidence.length > maxEvidence) evidence.shift();
  }
}

const lifeEvents = new Set(["crashed", "restarted", "left", "paused", "resumed"]);

const states = ["alive", "paused", "stopped", "dead", "left"] as const;

function isState(value: unknown): value is NodeState {
  return states.some((state) => state === value);
}

function arrayOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function roleOf(role: unknown): PicturedNode["role"] {
  return role === "seed" || role === "peer" ? role : "unknown";
}

/** Of a node that nobody has named yet. */
function shortName(id: NodeId): string {
  return typeof id === "number" ? String(id) : id.slice(id.indexOf("@") + 1);
}
