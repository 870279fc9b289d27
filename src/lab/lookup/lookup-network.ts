/**
 * A network of routers in virtual time, each alone or with a store on top: the protocol objects that run live, on
 * `Simulation`. It starts and ends them, asks them, keeps their disks, counts what they send, and knows the truth.
 *
 *     const network = new LookupNetwork({ seed: 1, rows: 100, make: (place) => new Chord(place) });
 *     for (let row = 0; row < 100; row++) network.start(row, row === 0 ? [] : [0]);
 *     network.run(60_000);
 *     const asked = network.lookup(7, keyOfName("song"));
 *     network.finish();
 *     asked.report?.closest[0] === network.trueClosest(asked.key, 1, compareUp)[0]
 */
import {
  type Environment,
  type Key,
  type KeyedNode,
  type KeyedNodeOf,
  type LookupEnded,
  type LookupOptions,
  type LookupReport,
  type Millis,
  type NodeId,
  type PeerSampler,
  type Persist,
  type Protocol,
  type Random,
  type RoutingProtocol,
  Stack,
  type Tagged,
  type Typed,
  UsageError,
} from "../../core/index.ts";
import { diskMs, SimulatedDisk, SimulatedSignatures } from "../../simulated/index.ts";
import { type ChurnEvent, CounterRandom, type LinkSettings, Simulation } from "../../simulator/index.ts";
import { wireCodec } from "../wire-codec.ts";
import { KeySpace, type Responsibility } from "./key-space.ts";
import { LivingRows, LivingSampler } from "./living-rows.ts";

type Notice = Typed & Record<string, any>;
type AnyProtocol = Protocol<any, any, any, any>;

/** What a node is made of. A router's config takes `self`, `keyedNode`, `bootstrap`, `restored` and `sampler` as they are. */
export interface Place {
  readonly row: number;
  readonly self: KeyedNode;
  readonly keyedNode: KeyedNodeOf;
  readonly bootstrap: readonly NodeId[];
  /** The table that the router had on disk, or the one that `tableOf` gives. */
  readonly restored: any;
  /** Everything that was on disk, as "layer/key"; undefined in networks that keep no disks. */
  readonly disk: SimulatedDisk | undefined;
  /** An ideal membership, where the network has one. */
  readonly sampler: PeerSampler | undefined;
  readonly signatures: SimulatedSignatures;
}

export interface LookupNetworkConfig {
  readonly seed: number;
  /** How many nodes there can ever be. */
  readonly rows: number;
  readonly links?: Partial<LinkSettings> | undefined;
  /** A router alone, or a stack with a router in it and perhaps a layer "store". */
  readonly make: (place: Place) => RoutingProtocol | Stack;
  /** Default: hashed from seed and row. */
  readonly keyOf?: ((row: number) => Key) | undefined;
  /** Keys rise with rows. */
  readonly isSortedByRow?: boolean | undefined;
  /** Keys that exist already, for networks that are to have the same. */
  readonly keys?: KeySpace | undefined;
  /** The table with which a node begins that has none on disk: static networks. */
  readonly tableOf?: ((row: number, keys: KeySpace) => unknown) | undefined;
  /**
   * A node is made when something first reaches it. For static networks, whose nodes plan nothing when they start: who
   * is not made yet is alive all the same.
   */
  readonly isLazy?: boolean | undefined;
  /** Every message goes through the codec of the wire; bytes are counted. `make` gives stacks then. */
  readonly isWireTrue?: boolean | undefined;
  /** Nodes find again what they had on disk. */
  readonly keepsDisks?: boolean | undefined;
  /** What a write to disk takes. Default: 2 ms. */
  readonly diskMs?: Millis | undefined;
  /** Nodes are told of each other by an ideal membership (`sampler`). */
  readonly hasMembership?: boolean | undefined;
  /** A node is gone, however it went. */
  readonly onGone?: ((row: number) => void) | undefined;
  /** A message, without its layer, has come to a node, which will handle it next. */
  readonly onMessage?: ((row: number, from: NodeId, message: Typed) => void) | undefined;
  readonly onNotice?: ((at: Millis, row: number, layer: string, notice: Notice) => void) | undefined;
}

/** A lookup: `report` is there when it has ended, and never if its node died before. */
export interface AskedLookup {
  readonly request: number;
  readonly row: number;
  readonly key: Key;
  readonly askedAt: Millis;
  report: LookupReport | undefined;
}

/** An operation of the store: `ended` is its notice `store-ended`. */
export interface AskedOperation<Command extends Typed = Typed> {
  readonly request: number;
  readonly row: number;
  readonly command: Command;
  readonly askedAt: Millis;
  ended: Notice | undefined;
}

/** A lookup that is to come. Who asks is drawn already, from whoever lives then. */
export interface PlannedLookup {
  readonly atMs: Millis;
  /** In [0, 1): the place among the living. */
  readonly asker: number;
  readonly key: Key;
}

/** Per row, and per type of message. */
export interface SentCounters {
  readonly messages: Uint32Array;
  /** Only in wire-true networks. */
  readonly bytes: Float64Array;
  readonly byType: Map<string, { messages: number; bytes: number }>;
}

interface Member {
  readonly protocol: AnyProtocol;
  readonly router: RoutingProtocol;
  /** Undefined where the router is alone: then nothing is tagged. */
  readonly routerLayer: string | undefined;
  readonly store: AnyProtocol | undefined;
}

interface WaitingLookup {
  readonly asked: AskedLookup;
  readonly onEnded: ((asked: AskedLookup) => void) | undefined;
}

/** The layer under which a router alone keeps its table. */
const aloneLayer = "router";

export class LookupNetwork {
  readonly config: LookupNetworkConfig;
  readonly keys: KeySpace;
  readonly simulation: Simulation;
  readonly living: LivingRows;
  readonly sent: SentCounters;
  readonly #members: (Member | undefined)[];
  readonly #bootstraps = new Map<number, readonly NodeId[]>();
  readonly #disks = new Map<number, SimulatedDisk>();
  readonly #lookups = new Map<number, WaitingLookup>();
  readonly #operations = new Map<number, AskedOperation>();
  /** Their stores hand over what they keep. */
  readonly #leaving = new Map<number, Member>();
  readonly #random: CounterRandom;
  readonly #dispatcher: Dispatcher | undefined;
  /** Of all nodes alike; undefined inside where routers are alone, and as a whole before the first is made. */
  #shape: Pick<Member, "routerLayer"> | undefined;
  #nextRequest = 1;

  constructor(config: LookupNetworkConfig) {
    const { seed, rows, links, isWireTrue = false, isLazy = false } = config;
    this.config = config;
    this.keys = config.keys ?? new KeySpace({ ...config, hasContacts: isWireTrue });
    if (this.keys.nodes.length !== rows)
      throw new UsageError(`keys: ${this.keys.nodes.length} of them are not ${rows}, one for each row`);
    this.living = new LivingRows(rows);
    this.#members = new Array(rows).fill(undefined);
    this.sent = { messages: new Uint32Array(rows), bytes: new Float64Array(rows), byType: new Map() };
    this.#random = new CounterRandom(seed, "scenario", rows);
    if (isLazy) this.#dispatcher = new Dispatcher((row, env) => this.#memberOf(row, env).protocol);
    this.simulation = new Simulation({
      seed,
      rows,
      links,
      codec: isWireTrue ? this.#countingCodec() : undefined,
      idOf: isWireTrue ? (row) => this.keys.nodes[row]!.node : undefined,
      sizeOf: (message) => this.#count(message, 0),
      onNotice: (row, notice, at) => this.#onNotice(row, notice, at),
    });
  }

  get time(): Millis {
    return this.simulation.time;
  }

  // ---- Starting and ending ----

  /**
   * Starts a node that joins through these rows; after a crash with what it had on disk, or empty. Throws `UsageError`,
   * before anything has changed, if it lives.
   */
  start(row: number, bootstrap: readonly number[] = [], keepsDisk = true): void {
    if (this.simulation.isAlive(row)) throw new UsageError(`row: node ${row} lives already`);
    const contacts = bootstrap.map((other) => this.keys.nodes[other]!.node);
    this.#bootstraps.set(row, contacts);
    if (!keepsDisk) this.#disks.delete(row);
    // Before the protocol starts: it may look into the membership.
    this.living.add(row);
    if (this.#dispatcher !== undefined) this.simulation.host(row, this.#dispatcher);
    else {
      const member = this.#make(row);
      this.#members[row] = member;
      const { onMessage } = this.config;
      const { protocol } = member;
      this.simulation.host(row, onMessage === undefined ? protocol : new Tapped(protocol, onMessage));
    }
  }

  /** Starts everybody at once, of whom nobody has started yet: static networks. */
  startAll(): void {
    if (this.#dispatcher === undefined) {
      for (let row = 0; row < this.config.rows; row++) this.start(row);
      return;
    }
    for (let row = 0; row < this.config.rows; row++) this.living.add(row);
    this.simulation.hostAll(this.#dispatcher);
  }

  /** kill -9. */
  crash(row: number): void {
    this.simulation.crash(row);
    this.living.remove(row);
    this.#members[row] = undefined;
    for (const [request, { asked }] of this.#lookups) if (asked.row === row) this.#lookups.delete(request);
    for (const [request, asked] of this.#operations) if (asked.row === row) this.#operations.delete(request);
    this.config.onGone?.(row);
  }

  /**
   * Says goodbye: the store first, which has `graceMs` at most to hand over what it keeps, then the router; and is gone.
   * From now on it is none of the living that the truth is made of.
   */
  leave(row: number, graceMs: Millis = 10_000): void {
    const member = this.#members[row];
    this.living.remove(row);
    if (member?.store === undefined) return this.#leaveRouting(row, member);
    this.#leaving.set(row, member);
    this.#command(row, "store", { type: "leave" });
    this.simulation.at(this.time + graceMs, () => this.#storeLeft(row));
  }

  #storeLeft(row: number): void {
    const member = this.#leaving.get(row);
    this.#leaving.delete(row);
    if (member !== undefined && this.#members[row] === member) this.#leaveRouting(row, member);
  }

  #leaveRouting(row: number, member: Member | undefined): void {
    this.#command(row, member?.routerLayer, { type: "leave" });
    // What it writes to disk last of all is written.
    this.simulation.at(this.time + 1 + (this.config.diskMs ?? diskMs), () => {
      if (this.#members[row] === member && this.simulation.isAlive(row)) this.crash(row);
    });
  }

  // ---- Asking ----

  /** A user at this node asks; the answer comes while the simulation runs. */
  lookup(
    row: number,
    key: Key,
    options: LookupOptions = {},
    onEnded?: (asked: AskedLookup) => void,
  ): AskedLookup {
    const request = this.#nextRequest++;
    const asked: AskedLookup = { request, row, key, askedAt: this.time, report: undefined };
    if (!this.simulation.isAlive(row)) return asked;
    this.#lookups.set(request, { asked, onEnded });
    const command = { ...options, type: "lookup", request, asker: "user", key };
    this.#command(row, this.#routerLayerOf(row), command);
    return asked;
  }

  /** `put`, `get` or `delete` of the layer "store", which gets the request's number. */
  operate<Command extends Typed>(row: number, command: Command): AskedOperation<Command> {
    const request = this.#nextRequest++;
    const asked = { request, row, command, askedAt: this.time, ended: undefined };
    if (!this.simulation.isAlive(row)) return asked;
    this.#operations.set(request, asked);
    this.#command(row, "store", { ...command, request });
    return asked;
  }

  /** Lookups and operations that have not ended. Those of the dead never will, and are not among them. */
  get pending(): readonly (AskedLookup | AskedOperation)[] {
    return [...[...this.#lookups.values()].map(({ asked }) => asked), ...this.#operations.values()];
  }

  // ---- Running ----

  run(forMs: Millis): void {
    this.simulation.run(this.time + forMs);
  }

  /** Runs until it holds, looking every `everyMs`. False if the time limit came first. */
  runUntil(holds: () => boolean, limitMs: Millis, everyMs: Millis = 100): boolean {
    const deadline = this.time + limitMs;
    while (!holds()) {
      if (this.time >= deadline) return false;
      this.simulation.run(Math.min(deadline, this.time + everyMs));
    }
    return true;
  }

  /** Runs until all that living nodes were asked has ended. False if it has not within the limit. */
  finish(limitMs: Millis = 60_000): boolean {
    return this.runUntil(() => this.#lookups.size + this.#operations.size === 0, limitMs, 50);
  }

  // ---- What is planned ----

  /**
   * Nodes come and go from now on: session s is row `firstRow` + s, and joins through `bootstrap` of the living, chosen
   * by the network's die. Networks of one seed have equal choices, whatever protocol they run.
   */
  churn(
    events: readonly ChurnEvent[],
    {
      firstRow,
      bootstrap = 1,
      graceMs,
    }: { readonly firstRow: number; readonly bootstrap?: number; readonly graceMs?: Millis },
  ): void {
    const sessions = events.reduce((most, { session }) => Math.max(most, session + 1), 0);
    if (firstRow + sessions > this.config.rows)
      throw new UsageError(
        `rows: ${this.config.rows} are not enough for ${sessions} sessions from row ${firstRow} on`,
      );
    const begin = this.time;
    for (const { atMs, type, session } of events) {
      const row = firstRow + session;
      this.simulation.at(begin + atMs, () => {
        if (type === "join") this.start(row, this.living.sample(bootstrap, this.dieOf(row)));
        else if (type === "crash") this.crash(row);
        else this.leave(row, graceMs);
      });
    }
  }

  /** Living nodes ask when it is time. `onAsked` is called then, `onEnded` when the answer is there. */
  plan(
    lookups: readonly PlannedLookup[],
    {
      options = {},
      onAsked = () => {},
      onEnded,
    }: {
      readonly options?: LookupOptions;
      readonly onAsked?: (asked: AskedLookup) => void;
      readonly onEnded?: (asked: AskedLookup) => void;
    } = {},
  ): void {
    const begin = this.time;
    for (const { atMs, asker, key } of lookups) {
      this.simulation.at(begin + atMs, () => {
        if (this.living.size === 0) return;
        const row = this.living.at(Math.floor(asker * this.living.size));
        onAsked(this.lookup(row, key, options, onEnded));
      });
    }
  }

  /** For what happens to this row from outside: no draw of anybody else is disturbed. */
  dieOf(row: number): Random {
    this.#random.row = row;
    return this.#random;
  }

  // ---- Looking at it ----

  /** Undefined if the node is dead, or not made yet. */
  routerOf(row: number): RoutingProtocol | undefined {
    return this.#members[row]?.router;
  }

  /** Undefined if the node is dead, not made yet, or has none. */
  storeOf(row: number): AnyProtocol | undefined {
    return this.#members[row]?.store;
  }

  diskOf(row: number): SimulatedDisk | undefined {
    return this.#disks.get(row);
  }

  /** How many nodes there are as objects. */
  get made(): number {
    return this.#members.filter((member) => member !== undefined).length;
  }

  /** The truth: the `count` most responsible of those that live and are not about to leave. */
  trueClosest(key: Key, count: number, order: Responsibility): KeyedNode[] {
    return this.keys.nearest(key, count, order, ({ node }) => this.living.has(this.keys.rowOf(node)!));
  }

  // ---- Between the protocols and the world ----

  #memberOf(row: number, env: Environment<any, any, any>): Member {
    const known = this.#members[row];
    if (known !== undefined) return known;
    const member = this.#make(row);
    this.#members[row] = member;
    member.protocol.start(env);
    return member;
  }

  #make(row: number): Member {
    const member = this.#assemble(row);
    this.#shape = member;
    return member;
  }

  #assemble(row: number): Member {
    const { keys } = this;
    const { make, tableOf, keepsDisks = false, hasMembership = false, isWireTrue = false } = this.config;
    const self = keys.nodes[row]!;
    const disk = keepsDisks ? this.#diskFor(row) : undefined;
    const protocol = make({
      row,
      self,
      keyedNode: keys.keyedNode,
      bootstrap: this.#bootstraps.get(row) ?? [],
      restored: disk?.read("table") ?? tableOf?.(row, keys),
      disk,
      sampler: hasMembership ? new LivingSampler(this.living, keys, row) : undefined,
      signatures: new SimulatedSignatures(self.node),
    });
    if (protocol instanceof Stack) return memberOfStack(protocol);
    if (isWireTrue) throw new UsageError("make: on the wire messages name their layer; give a Stack");
    return { protocol, router: protocol, routerLayer: undefined, store: undefined };
  }

  #diskFor(row: number): SimulatedDisk {
    let disk = this.#disks.get(row);
    if (disk === undefined) {
      disk = new SimulatedDisk();
      this.#disks.set(row, disk);
    }
    return disk;
  }

  /** All nodes are of one shape, also those that are not made yet. */
  #routerLayerOf(row: number): string | undefined {
    return (this.#members[row] ?? this.#shape ?? this.#make(row)).routerLayer;
  }

  #command(row: number, layer: string | undefined, body: object): void {
    this.simulation.command(row, layer === undefined ? body : { layer, body });
  }

  #onNotice(row: number, notice: any, at: Millis): void {
    const member = this.#members[row];
    const isTagged = member?.routerLayer !== undefined;
    const layer: string = isTagged ? (notice as Tagged).layer : aloneLayer;
    const body: Notice = isTagged ? (notice as Tagged).body : notice;
    if (body.type === "persist") this.#persist(row, member, layer, body as unknown as Persist);
    else if (body.type === "lookup-ended") this.#lookupEnded(body as unknown as LookupEnded);
    else if (body.type === "store-ended") this.#operationEnded(body);
    else if (body.type === "store-left") this.#storeLeft(row);
    this.config.onNotice?.(at, row, layer, body);
  }

  #lookupEnded({ asker, request, report }: LookupEnded): void {
    if (asker !== "user") return;
    const waiting = this.#lookups.get(request);
    if (waiting === undefined) return;
    waiting.asked.report = report;
    this.#lookups.delete(request);
    waiting.onEnded?.(waiting.asked);
  }

  #operationEnded(notice: Notice): void {
    const asked = this.#operations.get(notice["request"] as number);
    if (asked === undefined) return;
    asked.ended = notice;
    this.#operations.delete(asked.request);
  }

  #persist(row: number, member: Member | undefined, layer: string, { key, value, isAwaited }: Persist): void {
    // The table has one name, whichever router it is of.
    const isTable = key === "table" && (layer === aloneLayer || layer === member?.routerLayer);
    const name = isTable ? key : `${layer}/${key}`;
    // On disk after a while, awaited or not: a crash in between loses it.
    this.simulation.at(this.time + (this.config.diskMs ?? diskMs), () => {
      if (member === undefined || this.#members[row] !== member) return;
      this.#disks.get(row)?.write(name, value);
      const command = { type: "persisted", key };
      if (isAwaited) this.#command(row, member.routerLayer === undefined ? undefined : layer, command);
    });
  }

  // ---- Counting ----

  #count(message: any, bytes: number): number {
    const { row } = this.simulation;
    this.sent.messages[row]!++;
    this.sent.bytes[row]! += bytes;
    const type: string = message.body?.type ?? message.type;
    const counter = this.sent.byType.get(type);
    if (counter === undefined) this.sent.byType.set(type, { messages: 1, bytes });
    else {
      counter.messages++;
      counter.bytes += bytes;
    }
    return bytes;
  }

  #countingCodec() {
    const codec = wireCodec();
    return {
      ...codec,
      write: (message: Tagged, target: Uint8Array) => this.#count(message, codec.write(message, target)),
    };
  }
}

function memberOfStack(stack: Stack): Member {
  const entry = Object.entries(stack.layers).find(([, layer]) => isRouter(layer));
  if (entry === undefined)
    throw new UsageError(`make: none of the layers ${Object.keys(stack.layers).join(", ")} is a router`);
  const [routerLayer, router] = entry;
  return {
    protocol: stack,
    router: router as RoutingProtocol,
    routerLayer,
    store: stack.layers["store"],
  };
}

function isRouter(layer: AnyProtocol): boolean {
  return "replicas" in layer && "compare" in layer;
}

/** Hands everything to the protocol of the row that is entered, which is made if it is not there yet. */
class Dispatcher implements AnyProtocol {
  readonly #protocolOf: (row: number, env: Environment<any, any, any>) => AnyProtocol;

  constructor(protocolOf: (row: number, env: Environment<any, any, any>) => AnyProtocol) {
    this.#protocolOf = protocolOf;
  }

  /** Nothing: nodes are made when they are needed. */
  start(): void {}

  onCommand(command: any, env: Environment<any, any, any>): void {
    this.#protocolOf(env.row, env).onCommand(command, env);
  }
  onMessage(from: NodeId, message: any, env: Environment<any, any, any>): void {
    this.#protocolOf(env.row, env).onMessage(from, message, env);
  }
  onTimer(timer: any, env: Environment<any, any, any>): void {
    this.#protocolOf(env.row, env).onTimer(timer, env);
  }
}

/** A protocol whose messages somebody reads, too. */
class Tapped implements AnyProtocol {
  readonly #protocol: AnyProtocol;
  readonly #onMessage: NonNullable<LookupNetworkConfig["onMessage"]>;

  constructor(protocol: AnyProtocol, onMessage: NonNullable<LookupNetworkConfig["onMessage"]>) {
    this.#protocol = protocol;
    this.#onMessage = onMessage;
  }

  start(env: Environment<any, any, any>): void {
    this.#protocol.start(env);
  }
  onCommand(command: any, env: Environment<any, any, any>): void {
    this.#protocol.onCommand(command, env);
  }
  onMessage(from: NodeId, message: any, env: Environment<any, any, any>): void {
    this.#onMessage(env.row, from, message.body ?? message);
    this.#protocol.onMessage(from, message, env);
  }
  onTimer(timer: any, env: Environment<any, any, any>): void {
    this.#protocol.onTimer(timer, env);
  }
}
