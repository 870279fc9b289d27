/**
 * A live node: it moves data between sockets, disk and the stack of protocols, and takes no protocol decision.
 */
import {
  addressOf,
  type Candidate,
  type Evidence,
  formatContact,
  identityOf,
  type MemberState,
  type Millis,
  type NodeId,
  type Persist,
  type Random,
  type RoutingProtocol,
  type Signatures,
  type Stack,
  type Tagged,
  type Typed,
  UsageError,
} from "../core/index.ts";
import type { MessageId, Payload } from "../dissemination/messages.ts";
import { checkTopic } from "../dissemination/payload.ts";
import { lookupOptions } from "../lookup/lookup-options.ts";
import { datagramTypes } from "../membership/swim-messages.ts";
import { swimOptions } from "../membership/swim-options.ts";
import {
  makePeer,
  makeSeed,
  membershipLayerOf,
  type Peer,
  type ProfileOptions,
  profileOf,
  type Seed,
  scaledTo,
} from "../profiles/index.ts";
import {
  type Address,
  type DatagramSocket,
  formatAddress,
  type OnRefused,
  TcpTransport,
  TlsTransport,
  type Transport,
  type TransportError,
  type TransportOptions,
  UdpSocket,
} from "../transport/index.ts";
import { Codec, type Statement, type WireOptions } from "../wire/index.ts";
import { CheckUp } from "./check-up.ts";
import { isMember } from "./cluster.ts";
import { type DatagramEvent, type DatagramOptions, Datagrams } from "./datagrams.ts";
import { HeldSocket } from "./held-socket.ts";
import type { Identity } from "./identity.ts";
import { type LinkEvent, type LinkOptions, Links } from "./links.ts";
import { LiveEnvironment, type PendingTimer } from "./live-environment.ts";
import { LookupCounts } from "./lookup-counts.ts";
import { type LookupCallOptions, type LookupRun, Lookups } from "./lookups.ts";
import { persist, remember } from "./persistence.ts";
import {
  type CoverageEstimate,
  Publications,
  type PublishOptions,
  type PublishOutcome,
} from "./publications.ts";
import {
  type DeleteOptions,
  type FoundRecord,
  type GetOptions,
  type OperationResult,
  type PutOptions,
  Records,
  type RecordsConfig,
} from "./records.ts";
import { SharedState } from "./shared-state.ts";
import { LiveSignatures, UnsignedGossip } from "./signatures.ts";
import { onStall } from "./stall-watch.ts";
import { DiskStore, type Store } from "./store.ts";
import { systemRandom } from "./system-random.ts";
import { atEndOfTurn } from "./turn.ts";

/** Every tunable of a live node. */
export interface NodeOptions extends ProfileOptions {
  readonly links?: Partial<LinkOptions>;
  readonly datagrams?: Partial<DatagramOptions>;
  readonly wire?: Partial<WireOptions>;
  readonly transport?: Partial<TransportOptions>;
}

export type Security =
  /** TLS 1.3 with certificates of one authority on both sides. */
  | { readonly type: "tls"; readonly caPem: string; readonly memberKey: Uint8Array }
  /** Anybody may connect and listen in; identities are still proven, and origins still sign. */
  | { readonly type: "plaintext" };

export interface NodeConfig {
  readonly role: "seed" | "peer";
  readonly name: string;
  readonly identity: Identity;
  readonly security: Security;
  /** Port 0 takes a free one. */
  readonly listen: Address;
  /** The host that others are told, where it is not `listen.host`. */
  readonly advertise?: string;
  /** All configured seeds; a seed may find itself among them. */
  readonly seeds: readonly Address[];
  /** Nodes of other names are refused. */
  readonly cluster?: string;
  /** Modern profile: what it says of itself to all members, at most 16 texts. */
  readonly tags?: Tags;
  /** Where the node remembers itself; without it, every life is the first. */
  readonly dataFolder?: string;
  readonly options?: NodeOptions;
  /** False leaves out the signatures of gossip; all nodes of a cluster must agree on it. */
  readonly signs?: boolean;
  readonly random?: Random;
  /** Puts something between the node and its transport: a lab that slows, cuts and loses. */
  readonly wrapTransport?: (transport: Transport) => Transport;
  /** The same for its datagrams. */
  readonly wrapSocket?: (socket: DatagramSocket) => DatagramSocket;
  /** Hears every notice from the very first on. */
  readonly onNotice?: NoticeListener;
}

export type Tags = Readonly<Record<string, string>>;

export interface MemberStateOf extends Candidate {
  readonly role: "peer" | "seed";
  readonly state: MemberState;
  readonly tags: Tags;
}

/** Every notice of every layer: the trace, before it is written down. */
export type NoticeListener = (
  at: Millis,
  layer: string,
  notice: Typed & Record<string, any>,
  node: GrapevineNode,
) => void;

/** Notices of the shell itself have this layer. */
export const shellLayer = "node";

export type ShellNotice =
  | { readonly type: "listening"; readonly contact: NodeId; readonly role: string }
  | { readonly type: "stopped"; readonly reason: string }
  | { readonly type: "warning"; readonly text: string }
  | LinkEvent
  | DatagramEvent;

const maxPortAttempts = 10;
const goodbyePatienceMs = 3000;

export class GrapevineNode {
  readonly name: string;
  readonly role: "seed" | "peer";
  readonly startedAt = Date.now();
  readonly links: Links;
  /** What carries lookups and records, where the links do not. */
  readonly datagrams: Datagrams | undefined;
  /** Small state that all peers share; a seed has none. */
  readonly state: SharedState;
  /** The distributed store; a node without a router has none. */
  readonly records: Records;
  /** How lookups and operations of the store have ended so far. */
  readonly lookupCounts = new LookupCounts();
  /** Are the lookups of this node as they should be? */
  readonly checkUp: CheckUp;
  readonly #config: NodeConfig;
  readonly #codec: Codec;
  readonly #lookups: Lookups;
  readonly #listeners = new Set<NoticeListener>();
  #store: Store | undefined;
  #udpSocket: HeldSocket | undefined;
  #env!: LiveEnvironment;
  #stack!: Stack;
  #peer: Peer | undefined;
  #seed: Seed | undefined;
  readonly #publications: Publications;
  /** What would have happened in here while the node hangs, in order; undefined while it does not. */
  #held: (() => void)[] | undefined;
  #unwatch: () => void = () => {};
  #isStopped = false;

  private constructor(config: NodeConfig) {
    this.#config = config;
    this.name = config.name;
    this.role = config.role;
    this.#codec = new Codec(config.options?.wire);
    if (config.onNotice !== undefined) this.#listeners.add(config.onNotice);
    const transport = makeTransport(config, (error, remote) => this.#onRefused(error, remote));
    this.links = new Links({
      transport: config.wrapTransport?.(transport) ?? transport,
      codec: this.#codec,
      identity: config.identity,
      role: config.role,
      name: config.name,
      cluster: config.cluster ?? "grapevine",
      profile: profileOf(config.options) === "modern" ? "modern" : "",
      isMember: membership(config.security),
      onMessage: (from, message) => this.#enter(() => this.#stack.onMessage(from, message, this.#env)),
      onLost: (neighbor) => this.#hand(this.#peer?.whenLinkLost(neighbor)),
      onUnreachable: (node) => this.#hand((this.#peer ?? this.#seed)?.whenUnreachable(node)),
      onEvent: (event) => this.#tell(shellLayer, event),
      options: config.options?.links,
    });
    this.datagrams = this.#datagrams();
    const peer = () => this.#peer;
    this.state = new SharedState({
      get layer() {
        return peer()?.state;
      },
      isRunning: () => this.isRunning,
      command: (body) => this.command("state", body),
      settled: async () => {
        await this.#store?.flush();
        await this.links.drained();
      },
    });
    const hears: Pick<RecordsConfig, "isRunning" | "onNotice"> = {
      isRunning: () => this.isRunning,
      onNotice: (listener) => this.onNotice((_at, _layer, notice) => listener(notice)),
    };
    this.#lookups = new Lookups({
      ...hears,
      router: () => this.router,
      command: (body) => this.command(this.#peer!.routing!.name, body),
    });
    this.checkUp = new CheckUp({
      routing: () => this.#peer?.routing,
      lookup: (key, options) => this.lookup(key, options),
      members: () => this.members().length + 1,
      options: () => config.options,
    });
    this.#publications = new Publications({
      name: this.name,
      links: this.links,
      peer: () => this.#peer,
      state: () => (this.#isStopped ? "stopped" : this.isPaused ? "paused" : "running"),
      command: (body) => this.command("broadcast", body),
      forwardDelayMs: config.options?.broadcast?.forwardDelayMs ?? 0,
    });
    this.records = new Records({
      ...hears,
      hasStore: () => this.router !== undefined,
      command: (body) => this.command("store", body),
    });
  }

  #datagrams(): Datagrams | undefined {
    const { role, identity, cluster = "grapevine", security, options } = this.#config;
    const { router, over } = lookupOptions(options?.lookup);
    const isModern = profileOf(options) === "modern";
    const isRouting = role === "peer" && router !== "none" && over !== "tls";
    if (!isModern && !isRouting) return undefined;
    return new Datagrams({
      codec: this.#codec,
      identity,
      cluster,
      isMember: membership(security),
      onMessage: (from, message) => this.#enter(() => this.#stack.onMessage(from, message, this.#env)),
      onOversized: (to, message) => this.links.send(to, message),
      onEvent: (event) => this.#tell(shellLayer, event),
      bind: async () => this.#udpSocket!,
      options: options?.datagrams,
    });
  }

  /** Datagrams come to the same port number as connections: a contact names both. Throws `UsageError`. */
  async #listen(listen: Address, advertise: string | undefined): Promise<Address> {
    if (this.datagrams === undefined) return this.links.listen(listen, advertise);
    for (let attempt = 1; ; attempt++) {
      const bound = await UdpSocket.bind(listen);
      const socket = new HeldSocket(this.#config.wrapSocket?.(bound) ?? bound, () =>
        this.datagrams?.drop("held-too-many"),
      );
      this.#udpSocket = socket;
      try {
        const self = await this.links.listen({ host: listen.host, port: socket.local.port }, advertise);
        await this.datagrams.listen(self, self.host);
        return self;
      } catch (error) {
        await socket.close();
        // A number that is free for datagrams may be taken for connections: then the system is asked for another one.
        if (listen.port !== 0 || attempt === maxPortAttempts) throw error;
      }
    }
  }

  /** Datagrams are for the router and the store, and for what a membership asks so often that links would cost too much. */
  #send(to: NodeId, message: Tagged): void {
    if (this.datagrams !== undefined && this.#isForDatagrams(to, message)) this.datagrams.send(to, message);
    else this.links.send(to, message);
  }

  #isForDatagrams(to: NodeId, { layer, body }: Tagged): boolean {
    // Whoever is known by its address only is asked over a link, which says who it is.
    if (layer === "membership") return identityOf(to) !== "" && datagramTypes.has(body.type);
    const isLookup = layer === "store" || layer === this.#peer?.routing?.name;
    return isLookup && lookupOptions(this.#config.options?.lookup).over !== "tls";
  }

  /** Listens, remembers, and joins. Throws `UsageError` for options, ports and folders that cannot be used. */
  static async start(config: NodeConfig): Promise<GrapevineNode> {
    const node = new GrapevineNode(config);
    try {
      await node.#start();
    } catch (error) {
      await node.datagrams?.destroy();
      await node.links.destroy();
      await node.#store?.close();
      throw error;
    }
    return node;
  }

  async #start(): Promise<void> {
    const { identity, listen, advertise, dataFolder, seeds, security, name, signs, random, tags } =
      this.#config;
    if (tags !== undefined && profileOf(this.#config.options) !== "modern")
      throw new UsageError("tags: the classic profile has none; take the profile modern, or leave them out");
    if (advertise === undefined && (listen.host === "0.0.0.0" || listen.host === "::")) {
      throw new UsageError(
        `advertise: ${listen.host} is no address that others could call; give one with --advertise`,
      );
    }
    const { options } = this;
    if (dataFolder !== undefined) {
      this.#store = await DiskStore.open(
        dataFolder,
        (text) => this.#warn(text),
        (error) => this.#warn(`cannot write ${dataFolder}: ${error.message}`),
      );
    }
    const memory = this.#store === undefined ? undefined : await remember(this.#store, this.#codec);
    if (memory !== undefined && memory.unreadable > 0) {
      this.#warn(`${memory.unreadable} entries in ${dataFolder} cannot be read and are left out`);
    }
    const self = await this.#listen(listen, advertise);
    this.#env = new LiveEnvironment({
      self: formatContact(identity.id, self.host, self.port),
      random: random ?? systemRandom,
      send: (to, message) => this.#send(to, message),
      onTimer: (timer) => this.#enter(() => this.#stack.onTimer(timer, this.#env)),
      onNotice: (notice) => this.#onNotice(notice),
    });
    const Signing = signs === false ? UnsignedGossip : LiveSignatures;
    const signatures: Signatures<Statement> = new Signing(identity, membership(security));
    const contacts = seeds.map(({ host, port }) => formatContact("", host, port));
    const now = this.#env.now;
    // A clock that was set back must not make this life look older than the last one.
    const incarnation = Math.max((memory?.incarnation ?? 0) + 1, now);
    const own = addressOf(this.contact);
    const others = contacts.filter((contact) => addressOf(contact) !== own);
    if (this.role === "seed") {
      this.#seed = makeSeed({
        self: this.contact,
        otherSeeds: others,
        incarnation,
        since: now,
        signatures,
        restored: memory?.peers,
        contacts: memory?.contacts,
        options,
      });
      this.#stack = this.#seed.stack;
      if (profileOf(options) === "modern") await this.#rememberIncarnation(incarnation);
    } else {
      this.#peer = makePeer({
        name,
        self: this.contact,
        seeds: profileOf(options) === "modern" ? others : contacts,
        incarnation,
        since: now,
        signatures,
        contacts: memory?.contacts,
        restored: memory?.gossip,
        restoredState: memory?.state,
        restoredRouting: memory?.routing,
        tags: tags === undefined ? undefined : Object.entries(tags),
        options,
      });
      this.#stack = this.#peer.stack;
      await this.#rememberIncarnation(incarnation);
    }
    if (profileOf(options) === "modern") this.#watchForStalls();
    this.#tell(shellLayer, { type: "listening", contact: this.contact, role: this.role });
    this.#enter(() => this.#stack.start(this.#env));
  }

  /** Whoever stood still has missed answers that came: the membership must not blame others for it. */
  #watchForStalls(): void {
    const { pauseMs } = swimOptions(this.#config.options?.swim);
    this.#unwatch = onStall((ms) => {
      if (ms >= pauseMs) this.command("membership", { type: "stalled", ms });
    });
  }

  /** On disk before anybody hears it: the next life must be higher. */
  #rememberIncarnation(incarnation: number): Promise<void> {
    const store = this.#store;
    if (store === undefined) return Promise.resolve();
    const notice: Persist = { type: "persist", key: "incarnation", value: incarnation, isAwaited: true };
    const layer = membershipLayerOf(this.#config.options);
    return new Promise((resolve) => persist(store, this.#codec, layer, notice, resolve));
  }

  // ---- What a user may ask ----

  get contact(): NodeId {
    return this.#env.self;
  }
  get isRunning(): boolean {
    return !this.#isStopped;
  }
  /** It hangs: see `pause`. */
  get isPaused(): boolean {
    return this.#held !== undefined;
  }
  /** What was set, and what follows from it; everything else has its default. */
  get options(): NodeOptions {
    return withScaledTimes(this.#config.options);
  }
  /** The protocols of a peer; undefined in a seed. */
  get peer(): Peer | undefined {
    return this.#peer;
  }
  /** The protocols of a seed; undefined in a peer. */
  get seed(): Seed | undefined {
    return this.#seed;
  }
  get stack(): Stack {
    return this.#stack;
  }
  /** Undefined in a seed, and where no `router` was chosen. */
  get router(): RoutingProtocol | undefined {
    return this.#peer?.routing?.router;
  }

  /**
   * Looks for the nodes that are responsible for a key: 40 hexadecimal digits, or a name whose hash is the key.
   *
   *     const run = node.lookup("song.mp3", { signal });
   *     for await (const { step } of run) …        // the way, as it is taken
   *     const { closest, hops } = await run.report;
   *
   * Throws `UsageError` on nodes without a router and on stopped ones.
   */
  lookup(key: string, options?: LookupCallOptions): LookupRun {
    return this.#lookups.start(key, options);
  }

  /** Everybody that this node knows of, without itself: a seed's peer list, or the union of lists of a peer. */
  members(): Candidate[] {
    if (this.#seed !== undefined) return this.#seed.list.map(({ peer, since }) => ({ peer, since }));
    return this.#peer!.members.candidates.slice();
  }

  /** The same with what the modern profile knows of each, seeds and the dead too; undefined under the classic one. */
  memberStates(): MemberStateOf[] | undefined {
    const swim = this.#peer?.modern?.swim ?? this.#seed?.swim;
    return swim?.members.map(({ node, since, role, state, tags }) => ({
      ...{ peer: node, since, role, state },
      tags: Object.fromEntries(tags),
    }));
  }

  /** Modern profile: from now on it says this of itself. Throws `UsageError` for what is too much, and under the classic one. */
  setTags(tags: Tags): void {
    if (this.#peer?.modern === undefined)
      throw new UsageError("tags: only peers of the profile modern have them");
    this.command("membership", { type: "set-tags", tags: Object.entries(tags) });
  }

  neighbors(): { peer: NodeId; rttMs: number | undefined }[] {
    if (this.#peer === undefined) return [];
    const { view, quality } = this.#peer;
    return view.neighbors.map((peer) => ({ peer, rttMs: quality.rttMs(peer) }));
  }

  /**
   * Spreads a message to all peers. What is published in one turn of the event loop travels under one signature.
   * Resolves with what became of it, when no neighbor is far behind in reading and the spreading has room for more: await
   * it, and a fast publisher keeps to the network's pace.
   * Throws `UsageError` for a payload of more than 64 KiB, for what is no priority or topic, and on seeds and stopped nodes.
   */
  publish(payload: Payload, options?: PublishOptions): Promise<PublishOutcome> {
    return this.#publications.publish(payload, options);
  }

  /**
   * Asks so many random members whether they have a message (by the `id` of its outcome): an estimate of how many have,
   * with a 95 % interval. Throws `UsageError` as `publish` does.
   */
  coverage(id: MessageId, samples?: number): Promise<CoverageEstimate> {
    return this.#publications.coverage(id, samples);
  }

  /**
   * Resolves when nothing that is said from now on is lost: the peer is let in, and a neighbor has compared histories
   * with it. Throws `UsageError` after `patienceMs` (30 s) if that does not come about, and as `publish` does.
   */
  ready(patienceMs?: number): Promise<void> {
    return this.#publications.ready(patienceMs);
  }

  /** From now on only messages without a topic, and those of topics that it has subscribed to, are delivered here. */
  subscribe(...topics: string[]): void {
    for (const topic of topics) checkTopic(topic);
    this.command("broadcast", { type: "subscribe", topics });
  }

  /** Who has unsubscribed from all topics hears all again. */
  unsubscribe(...topics: string[]): void {
    this.command("broadcast", { type: "unsubscribe", topics });
  }

  /** What its failure detector thinks of a member, and the chain of evidence for it. */
  why(member: NodeId): { readonly state: MemberState; readonly evidence: readonly Evidence[] } {
    const detector = this.#peer?.detector ?? this.#seed!.detector;
    return { state: detector.stateOf(member), evidence: detector.why(member) };
  }

  /**
   * Gives a name a value that the responsible nodes keep: resolves when enough of them have it on disk, with what became
   * of each. Any member may put under any name; the latest counts. See `Records.put`.
   */
  put(name: string, value: Payload, options?: PutOptions): Promise<OperationResult> {
    return this.records.put(name, value, options);
  }

  /** What was put last; undefined if there is nothing. See `Records.get`. */
  get(name: string, options?: GetOptions): Promise<FoundRecord | undefined> {
    return this.records.get(name, options);
  }

  /** False if there was nothing to delete. See `Records.delete`. */
  delete(name: string, options?: DeleteOptions): Promise<boolean> {
    return this.records.delete(name, options);
  }

  /** What its protocols wait for: their letters to their future self, and when these come. */
  get pendingTimers(): Iterable<PendingTimer> {
    return this.#env.pendingTimers;
  }

  /** Hands a command to a layer of the stack. */
  command(layer: string, body: Typed & Record<string, any>): void {
    if (this.#isStopped) return;
    this.#enter(() => this.#stack.onCommand({ layer, body }, this.#env));
  }

  #hand(commands: readonly Tagged[] | undefined): void {
    for (const { layer, body } of commands ?? []) this.command(layer, body);
  }

  /** Calls `listener` for every notice from now on; call the result to stop. */
  onNotice(listener: NoticeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  // ---- Hanging ----

  /**
   * Hangs as a stopped process would (SIGSTOP), seen from outside: connections stay open, and nothing is read, said or
   * noticed. Timers that come due wait for `resume`, as does whatever the user commands. Deviation: a new connection
   * still gets through its TLS handshake, and then hears nothing.
   */
  pause(): void {
    if (this.#isStopped || this.isPaused) return;
    this.#held = [];
    this.links.pause();
    this.#udpSocket?.pause();
  }

  /** Goes on: first with the timers, in the order in which they came due, then with what others have said. */
  resume(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    for (const step of held) this.#enter(step);
    this.#udpSocket?.resume();
    this.links.resume();
  }

  // ---- Ending ----

  /** Says goodbye to seeds and neighbors, and stops. Throws `UsageError` while it hangs. */
  async leave(): Promise<void> {
    if (this.#isStopped) return;
    if (this.isPaused)
      throw new UsageError(`leave: ${this.name} is paused and cannot say goodbye; resume it first`);
    if (this.#peer !== undefined) {
      await this.records.handOver();
      if (this.#peer.routing !== undefined) this.command(this.#peer.routing.name, { type: "leave" });
    }
    // A seed of the classic profile is known by its address and nobody's neighbor: it has nobody to tell.
    if (this.#peer !== undefined || this.#seed?.profile === "modern") {
      await this.#goodbyeSaid();
      await this.links.settled(1000);
    }
    await this.close("left");
  }

  /** Tells the membership to leave, and waits until that has told others; but not for long. */
  async #goodbyeSaid(): Promise<void> {
    const { membershipLayer } = (this.#peer ?? this.#seed)!;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        stop();
        resolve();
      };
      const timer = setTimeout(done, goodbyePatienceMs);
      const stop = this.onNotice((_at, layer, { type }) => {
        if (layer === membershipLayer && type === "left") done();
      });
      this.command(membershipLayer, { type: "leave" });
    });
  }

  /** Stops in order, without a goodbye: the others will notice. */
  async close(reason = "closed"): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#held = undefined;
    this.#unwatch();
    this.#env.close();
    await this.datagrams?.close();
    await this.links.close();
    await this.#store?.close();
    this.#tell(shellLayer, { type: "stopped", reason });
  }

  /** Stops as a killed process would: sockets are torn, nothing is said or written any more. */
  async kill(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#held = undefined;
    this.#unwatch();
    this.#env.close();
    await this.datagrams?.destroy();
    await this.links.destroy();
    await this.#store?.close();
    this.#tell(shellLayer, { type: "stopped", reason: "killed" });
  }

  // ---- Between the stack and the world ----

  #enter(step: () => void): void {
    if (this.#isStopped) return;
    if (this.#held !== undefined) {
      this.#held.push(step);
      return;
    }
    try {
      step();
    } catch (error) {
      if (error instanceof UsageError) throw error;
      // Our own belief is broken: this node stops before it harms others.
      this.#warn(`stopped: ${error instanceof Error ? error.stack : String(error)}`);
      void this.kill();
    }
  }

  #onNotice({ layer, body }: Tagged): void {
    const notice = body as Typed & Record<string, any>;
    if (layer === "broadcast") this.#publications.onNotice(notice);
    switch (notice.type) {
      case "persist":
        return this.#persist(layer, body as Persist);
      case "lookup-ended":
        this.checkUp.onLookupEnded(notice["report"]);
        this.lookupCounts.onNotice(notice);
        break;
      case "store-ended":
        this.lookupCounts.onNotice(notice);
        break;
      case "forged-gossip":
      case "forged-entry":
        this.links.onForgery(notice["from"]);
        break;
      case "neighbor-up":
        this.links.keep(notice["neighbor"]);
        break;
      case "neighbor-down":
        this.links.release(notice["neighbor"]);
        break;
    }
    this.#tell(layer, notice);
  }

  #persist(layer: string, notice: Persist): void {
    const done = notice.isAwaited
      ? () => this.command(layer, { type: "persisted", key: notice.key })
      : undefined;
    if (this.#store !== undefined) persist(this.#store, this.#codec, layer, notice, done);
    else if (done !== undefined) atEndOfTurn(done);
  }

  #tell(layer: string, notice: Typed & Record<string, any>): void {
    const at = this.#env === undefined ? Date.now() : this.#env.now;
    for (const listener of this.#listeners) {
      try {
        listener(at, layer, notice, this);
      } catch (error) {
        // Somebody else's mistake: it must neither stop this node nor go unseen.
        process.emitWarning(error instanceof Error ? error : String(error));
      }
    }
  }

  #warn(text: string): void {
    this.#tell(shellLayer, { type: "warning", text });
  }

  #onRefused(error: TransportError, remote: Address): void {
    this.links.drop(error.code);
    const event = { remote: formatAddress(remote), reason: error.code, detail: error.message };
    this.#tell(shellLayer, { type: "link-refused", ...event });
  }
}

/** Times that the user did not set follow the ping interval. */
function withScaledTimes(options: NodeOptions = {}): NodeOptions {
  const pingIntervalMs = options.heartbeat?.pingIntervalMs;
  return pingIntervalMs === undefined ? options : scaledTo(pingIntervalMs, options);
}

function membership(security: Security): (publicKey: Uint8Array, token: Uint8Array) => boolean {
  if (security.type === "plaintext") return () => true;
  return (publicKey, token) => isMember(security.memberKey, publicKey, token);
}

function makeTransport(config: NodeConfig, onRefused: OnRefused): Transport {
  const { identity, security, options } = config;
  const setup = { options: options?.transport, onRefused };
  return security.type === "plaintext"
    ? new TcpTransport(setup)
    : new TlsTransport({ ...setup, identity, caPem: security.caPem });
}
