/**
 * A whole network in this process: seeds and peers on loopback, over real sockets. What `grapevine up`
 * runs, what live scenarios disturb, and what the benchmarks measure.
 */
import { readFileSync, rmSync } from "node:fs";
import { powerLaw, seedExponential } from "../core/degree-law.ts";
import { UsageError } from "../core/index.ts";
import { hyParViewOptions } from "../membership/hyparview-options.ts";
import { overlayOptions } from "../membership/overlay.ts";
import {
  type Authority,
  createIdentity,
  ephemeralCluster,
  GrapevineNode,
  type Identity,
  mergeOptions,
  type NodeConfig,
  type NodeOptions,
  type NoticeListener,
  type Security,
  shellLayer,
} from "../node/index.ts";
import { broadcastOf, leastDegree, profileOf } from "../profiles/index.ts";
import { type DegreeReport, describeDegrees } from "../theory/degree-report.ts";
import { isConnected } from "../theory/graph-measures.ts";
import type { Address } from "../transport/index.ts";
import { areRoutersFormed } from "./live-lookups.ts";
import { type LatencyMs, Measurement } from "./measurement.ts";
import type { Gates } from "./scenario/gated-transport.ts";
import { type SpreadingFigures, type SpreadingReport, spreadingReport } from "./spreading-report.ts";

export interface LocalNetworkConfig {
  readonly seeds: number;
  readonly peers: number;
  readonly isPlaintext?: boolean;
  readonly signs?: boolean;
  readonly options?: NodeOptions;
  readonly host?: string;
  /** First port of the seeds; 0 (default) takes free ones. */
  readonly seedPort?: number;
  /** Where the seeds listen, one by one: for a network that was there before. */
  readonly seedAddresses?: readonly Address[];
  readonly onNotice?: NoticeListener;
  /** Issues identities of a cluster made elsewhere; default: an ephemeral cluster in memory. */
  readonly issue?: (name: string) => Promise<IssuedIdentity>;
  /** Data folders by node name, for networks that remember. */
  readonly dataFolder?: (name: string) => string;
  /** Stand between all nodes, so that links can be cut, slowed and spoilt. */
  readonly gates?: Gates;
  /** What is different about a node. A seed that starts anew is asked for by the name of its first life. */
  readonly configure?: (role: "seed" | "peer", name: string) => Partial<NodeConfig>;
}

/** An identity with the authority behind it. */
export interface IssuedIdentity {
  readonly identity: Identity;
  readonly caPem: string;
  readonly memberKey: Uint8Array;
}

export interface NetworkReport {
  readonly seeds: number;
  readonly peers: number;
  readonly messages: number;
  readonly deliveries: number;
  readonly expected: number;
  /** Deliveries / expected: 1 means that every message reached every other peer. */
  readonly ratio: number;
  readonly deliveredTwice: number;
  readonly latencyMs: LatencyMs;
  readonly sends: number;
  readonly sendsPerDelivery: number;
  /** (link, message) pairs in which a message crossed the link twice in the same direction: 0 by design. */
  readonly linksUsedTwice: number;
  /** (link, message) pairs in which two copies crossed each other, once in each direction. */
  readonly linksCrossed: number;
  /** What the spreading left out, and what was expected of it; not of a flood, which leaves nothing out. */
  readonly spreading?: SpreadingReport;
  readonly degrees: DegreeReport;
  readonly connected: boolean;
  readonly startMs: number;
  readonly memoryPerPeerKiB: number;
}

/** Descriptors that are not sockets of ours: standard streams, the event loop, files, connections coming and going. */
const spareDescriptors = 400;
/** What was under way when the last one lost interest has arrived after so long. */
const silenceMs = 3000;

export class LocalNetwork {
  readonly config: LocalNetworkConfig;
  readonly seeds: GrapevineNode[] = [];
  readonly peers: GrapevineNode[] = [];
  readonly measurement = new Measurement();
  readonly options: NodeOptions;
  readonly #host: string;
  #cluster: Authority | undefined;
  #addresses: Address[] = [];
  #startedAt = 0;
  #startMs = 0;
  #rssBefore = 0;
  #memoryPerPeerKiB = 0;
  /** Hears of each node that begins to listen, before anybody else does. */
  onBegin: ((node: GrapevineNode) => void) | undefined;
  /** Of each name, so that whoever restarts is who it was. */
  readonly #identities = new Map<string, Promise<{ identity: Identity; security: Security }>>();
  #nextPeer = 1;
  /** Names of those that are being started. */
  readonly #starting = new Set<string>();
  #sources = 0;
  #isClosing = false;

  private constructor(config: LocalNetworkConfig) {
    this.config = config;
    this.#host = config.host ?? "127.0.0.1";
    this.options = mergeOptions({ source: { waitsForCommand: true } }, config.options);
  }

  /** Starts seeds, then peers. `onProgress` is called about ten times a second until all peers are in. */
  static async start(
    config: LocalNetworkConfig,
    onProgress: (network: LocalNetwork) => void = () => {},
  ): Promise<LocalNetwork> {
    if (config.seeds < 1) throw new UsageError(`seeds: ${config.seeds} is less than 1`);
    if (config.peers < 0) throw new UsageError(`peers: ${config.peers} is less than 0`);
    checkDescriptors(config);
    const network = new LocalNetwork(config);
    onProgress(network);
    const ticker = setInterval(() => onProgress(network), 100);
    try {
      await network.#start();
      return network;
    } catch (error) {
      await network.close();
      throw error;
    } finally {
      clearInterval(ticker);
      onProgress(network);
    }
  }

  async #start(): Promise<void> {
    this.#startedAt = Date.now();
    if (!this.config.isPlaintext && this.config.issue === undefined)
      this.#cluster = await ephemeralCluster("local");
    await this.#startSeeds();
    (globalThis as { gc?: () => void }).gc?.();
    this.#rssBefore = process.memoryUsage.rss();
    for (let i = 0; i < this.config.peers; i++) {
      await this.#until(() => this.#isReady, 60_000);
      await this.addPeer();
    }
    await this.#until(() => this.isFormed, 60_000 + this.config.peers * 100);
    this.#startMs = Date.now() - this.#startedAt;
    (globalThis as { gc?: () => void }).gc?.();
    this.#memoryPerPeerKiB = this.memoryPerPeerNowKiB();
  }

  /** So many may be on their way into the network at once, or the seeds' answers come too late for all. */
  get #isReady(): boolean {
    return this.peers.length - this.registeredPeers < (this.config.isPlaintext ? 128 : 32);
  }

  /** Resident memory that came with the peers, for each of them, at this moment. */
  memoryPerPeerNowKiB(): number {
    const grown = process.memoryUsage.rss() - this.#rssBefore;
    return this.peers.length === 0 ? 0 : Math.round(grown / this.peers.length / 1024);
  }

  async #startSeeds(): Promise<void> {
    const { seeds: count, seedPort = 0, seedAddresses } = this.config;
    // Seeds must know each other's ports before they start: free ones are found by asking for them.
    const ports = async () =>
      seedPort > 0
        ? Array.from({ length: count }, (_, i) => seedPort + i)
        : await freePorts(this.#host, count);
    this.#addresses = [...(seedAddresses ?? (await ports()).map((port) => ({ host: this.#host, port })))];
    for (let i = 0; i < count; i++) await this.startSeed(i);
  }

  /** Starts (or, after its death, starts anew) the seed of that place in the list. */
  async startSeed(index: number, overrides: Partial<NodeConfig> = {}): Promise<GrapevineNode> {
    const seed = await this.#startNode("seed", `seed-${index + 1}`, this.#addresses[index]!, overrides);
    this.seeds[index] = seed;
    return seed;
  }

  async addPeer(overrides: Partial<NodeConfig> = {}): Promise<GrapevineNode> {
    const name = overrides.name ?? this.#freeName();
    this.#starting.add(name);
    try {
      const peer = await this.#startPeer(name, overrides);
      this.peers.push(peer);
      return peer;
    } finally {
      this.#starting.delete(name);
    }
  }

  #startPeer(name: string, overrides: Partial<NodeConfig> = {}): Promise<GrapevineNode> {
    return this.#startNode("peer", name, { host: this.#host, port: 0 }, overrides);
  }

  #freeName(): string {
    while (this.#hasName(`peer-${this.#nextPeer}`)) this.#nextPeer++;
    return `peer-${this.#nextPeer++}`;
  }
  #hasName(name: string): boolean {
    return this.#starting.has(name) || this.nodes.some((node) => node.name === name);
  }

  /** A peer for a network that is there. Throws `UsageError` where the name is taken, or there is no room. */
  async join(name?: string): Promise<GrapevineNode> {
    checkDescriptors({ ...this.config, peers: this.livePeers.length + 1 });
    await this.#until(() => this.#isReady, 2000);
    if (name !== undefined && this.#hasName(name))
      throw new UsageError(`join: there is a "${name}" already; take another name`);
    return await this.addPeer(name === undefined ? {} : { name });
  }

  /** A node that has ended starts again in its place; without its disk if it has none, or is not to have it. */
  async restart(node: GrapevineNode, keepsDisk = true): Promise<GrapevineNode> {
    const { name, role } = node;
    const folder = this.config.dataFolder?.(name);
    if (!keepsDisk && folder !== undefined) rmSync(folder, { recursive: true, force: true });
    if (role === "seed") return await this.startSeed(this.seeds.indexOf(node));
    const peer = await this.#startPeer(name);
    this.peers[this.peers.indexOf(node)] = peer;
    return peer;
  }

  async #startNode(
    role: "seed" | "peer",
    name: string,
    listen: Address,
    overrides: Partial<NodeConfig> = {},
  ) {
    const { onNotice, gates } = this.config;
    let issued = this.#identities.get(name);
    if (issued === undefined) {
      issued = this.issue(name);
      this.#identities.set(name, issued);
    }
    const { identity, security } = await issued;
    const node = await GrapevineNode.start({
      role,
      name,
      identity,
      security,
      cluster: "grapevine",
      listen,
      seeds: this.#addresses,
      options: this.options,
      signs: this.config.signs,
      dataFolder: this.config.dataFolder?.(name),
      wrapTransport: gates?.wrap(name),
      wrapSocket: gates?.wrapSocket(name),
      onNotice: (at, layer, notice, from) => {
        if (notice.type === "listening" && layer === shellLayer) this.onBegin?.(from);
        this.measurement.listen(at, layer, notice, from);
        onNotice?.(at, layer, notice, from);
      },
      ...this.config.configure?.(role, name),
      ...overrides,
    });
    if (!this.#isClosing) return node;
    await node.kill();
    throw new UsageError(`network: it was closed while ${name} was being started`);
  }

  /** Of a node that is here: what somebody has who steals its keys. */
  async keysOf(name: string): Promise<Identity | undefined> {
    return (await this.#identities.get(name))?.identity;
  }

  /** A new identity of this network's cluster, and what its node needs to be let in. */
  async issue(name: string): Promise<{ identity: Identity; security: Security }> {
    if (this.config.isPlaintext) return { identity: createIdentity(), security: { type: "plaintext" } };
    const { identity, caPem, memberKey } =
      this.config.issue === undefined
        ? {
            identity: await this.#cluster!.issue(name),
            caPem: this.#cluster!.caPem,
            memberKey: this.#cluster!.memberKey,
          }
        : await this.config.issue(name);
    return { identity, security: { type: "tls", caPem, memberKey } };
  }
  get seedAddresses(): readonly Address[] {
    return this.#addresses;
  }
  /** How long it took to form. */
  get startMs(): number {
    return this.#startMs;
  }
  get startedAt(): number {
    return this.#startedAt;
  }
  get nodes(): GrapevineNode[] {
    return [...this.seeds, ...this.peers];
  }
  get livePeers(): GrapevineNode[] {
    return this.peers.filter((peer) => peer.isRunning);
  }
  get liveSeeds(): GrapevineNode[] {
    return this.seeds.filter((seed) => seed.isRunning);
  }

  /** Node by name, or by the port that it listens on. */
  find(nameOrPort: string): GrapevineNode | undefined {
    return this.nodes.find(
      (node) =>
        node.isRunning && (node.name === nameOrPort || String(node.contact).endsWith(`:${nameOrPort}`)),
    );
  }

  // ---- Is the network there yet? ----

  /** Peers that are registered with as many seeds as they want and have a list. */
  get registeredPeers(): number {
    let count = 0;
    for (const { peer, isRunning } of this.peers) {
      if (!isRunning || peer!.isJoined) count++;
    }
    return count;
  }

  /** All registered, everybody with neighbors, one connected graph, and routers that know who is next to them. */
  get isFormed(): boolean {
    const live = this.livePeers;
    if (this.registeredPeers < this.peers.length) return false;
    const enough = Math.min(leastDegree(this.options), live.length - 1);
    const areLinked = live.every((node) => node.peer!.view.neighbors.length >= enough);
    return areLinked && this.isConnected && areRoutersFormed(live);
  }

  /** Neighbors of each living peer by index among the living; a link counts if both ends have it. */
  adjacency(): number[][] {
    const live = this.livePeers;
    const index = new Map(live.map((peer, i) => [peer.contact, i]));
    return live.map((node) => {
      const own = node.contact;
      return node.peer!.view.neighbors.flatMap((neighbor) => {
        const other = index.get(neighbor);
        return other !== undefined && live[other]!.peer!.view.has(own) ? [other] : [];
      });
    });
  }

  get isConnected(): boolean {
    return isConnected(this.adjacency());
  }

  /** Do all living seeds have the same list? */
  get seedsAgree(): boolean {
    const prints = this.liveSeeds.map(({ seed }) => `${seed!.list.length}/${seed!.fingerprint}`);
    return prints.every((print) => print === prints[0]);
  }

  // ---- Running ----

  /** Every peer begins to generate its messages. */
  begin(): void {
    const peers = this.livePeers;
    this.#sources = peers.length;
    for (const peer of peers) peer.command("source", { type: "begin" });
  }

  /** What will have been generated when all sources are done. */
  get plannedMessages(): number {
    return this.#sources * (this.options.source?.messages ?? 10);
  }
  get expectedDeliveries(): number {
    return this.measurement.published * Math.max(0, this.peers.length - 1);
  }

  /** Waits until everything planned was published and delivered, or nothing has happened for `patienceMs`. */
  async finished(patienceMs = 20_000, onProgress: () => void = () => {}): Promise<boolean> {
    const { measurement } = this;
    let seen = -1;
    let since = Date.now();
    while (!this.#isClosing) {
      const isDone =
        measurement.published >= this.plannedMessages && measurement.deliveries >= this.expectedDeliveries;
      if (isDone) return true;
      const happened = measurement.published + measurement.deliveries;
      if (happened !== seen) {
        seen = happened;
        since = Date.now();
      } else if (Date.now() - since > silenceMs && this.#isCold) return false;
      else if (Date.now() - since > patienceMs + (this.options.source?.intervalMs ?? 5000)) return false;
      onProgress();
      await sleep(50);
    }
    return false;
  }

  /** All was said, nobody spreads anything any more, and no history will bring what was left out. */
  get #isCold(): boolean {
    if (this.options.broadcast?.repairs !== false) return false;
    if (this.measurement.published < this.plannedMessages) return false;
    return this.livePeers.every(({ peer }) => peer!.broadcast.hotCount === 0);
  }

  async #until(condition: () => boolean, limitMs: number): Promise<void> {
    const deadline = Date.now() + limitMs;
    // Looking costs time too, and more of it in a larger network.
    const pause = Math.max(20, this.config.peers / 5);
    while (!condition() && !this.#isClosing && Date.now() < deadline) await sleep(pause);
  }

  /** Everything in figures. For a spreading that may leave something out it simulates for up to a second. */
  report(): NetworkReport {
    const { measurement } = this;
    const counters = this.peers.map((node) => node.peer!.broadcast.counters);
    const sum = (name: keyof (typeof counters)[number]) =>
      counters.reduce((total, one) => total + one[name], 0);
    const expected = this.expectedDeliveries;
    const sends = sum("sends");
    const spreading = this.#spreading(counters);
    return {
      seeds: this.seeds.length,
      peers: this.peers.length,
      messages: measurement.published,
      deliveries: measurement.deliveries,
      expected,
      ratio: expected === 0 ? 0 : measurement.deliveries / expected,
      deliveredTwice: measurement.deliveredTwice,
      latencyMs: measurement.latencyMs,
      sends,
      sendsPerDelivery: measurement.deliveries === 0 ? 0 : round(sends / measurement.deliveries, 3),
      linksUsedTwice: sum("resent"),
      linksCrossed: Math.round(sum("crossings") / 2),
      ...(spreading === undefined ? {} : { spreading }),
      degrees: this.degreeReport(),
      connected: this.isConnected,
      startMs: this.#startMs,
      memoryPerPeerKiB: this.#memoryPerPeerKiB,
    };
  }

  #spreading(counters: SpreadingFigures["counters"]): SpreadingReport | undefined {
    return spreadingReport({
      options: { ...this.options.broadcast, method: broadcastOf(this.options) },
      adjacency: this.adjacency(),
      messages: this.measurement.published,
      deliveries: this.measurement.deliveries,
      expected: this.expectedDeliveries,
      counters,
    });
  }

  degreeReport(): DegreeReport {
    return describeDegrees(
      this.adjacency().map((neighbors) => neighbors.length),
      lawOf(this.options),
    );
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.all(this.nodes.map((node) => node.close()));
  }
}

/**
 * Refuses a network that this process has no file descriptors for: every link has two ends here, and every node
 * listens. Throws `UsageError` with the figures.
 */
export function checkDescriptors({ seeds, peers, options }: LocalNetworkConfig): void {
  const limit = descriptorLimit();
  if (limit === undefined) return;
  const needed = Math.ceil(peers * expectedDegree(peers, options)) + peers + seeds + spareDescriptors;
  if (needed <= limit) return;
  const ways =
    profileOf(options) === "modern"
      ? "a smaller --active-view"
      : "a smaller --min-degree or --max-degree, another --law";
  throw new UsageError(
    `peers: ${peers} peers under ${lawText(options)} need about ${needed} file descriptors in one process, the limit is ${limit}; ` +
      `take fewer peers, ${ways}, or raise \`ulimit -n\``,
  );
}

/** What shapes the overlay: the law of its degrees, or the protocol that keeps them all alike. */
function lawOf(options: NodeOptions = {}): string {
  return profileOf(options) === "modern" ? "hyparview" : overlayOptions(options.overlay).law;
}

function lawText(options: NodeOptions | undefined): string {
  return profileOf(options) === "modern" ? "--profile modern" : `--law ${lawOf(options)}`;
}

/** Mean degree that the overlay's law gives in a network of that size. */
export function expectedDegree(peers: number, options: NodeOptions | undefined): number {
  if (peers <= 1) return 0;
  if (profileOf(options) === "modern")
    return Math.min(hyParViewOptions(options?.hyparview).activeView, peers - 1);
  const { law, exponent, minDegree, maxDegree } = overlayOptions(options?.overlay);
  if (law === "uniform") return Math.min(minDegree, peers - 1);
  if (law === "preferential") return Math.min(2 * minDegree, peers - 1);
  const support = {
    minDegree: Math.min(minDegree, peers - 1),
    maxDegree: Math.max(minDegree, Math.min(maxDegree, peers - 1)),
  };
  return law === "power-law" ? powerLaw({ exponent, ...support }).mean : seedExponential(support).mean;
}

function descriptorLimit(): number | undefined {
  try {
    const line = readFileSync("/proc/self/limits", "utf8")
      .split("\n")
      .find((one) => one.startsWith("Max open files"));
    const soft = line?.split(/\s{2,}/)[1];
    return soft === undefined || soft === "unlimited" ? undefined : Number(soft);
  } catch {
    return undefined; // no such file here: then the system says so when it is full
  }
}

/** Ports on which nobody listens at the moment. */
export async function freePorts(host: string, count: number): Promise<number[]> {
  const { createServer } = await import("node:net");
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<import("node:net").Server>((resolve, reject) => {
          const server = createServer().once("error", reject);
          server.listen(0, host, () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
