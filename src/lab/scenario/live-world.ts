/**
 * A scenario on real sockets. Nodes run in this process, except those that the timeline crashes, hangs, wakes or
 * restarts by name: these are processes of their own, so that SIGKILL and SIGSTOP are what they are. Where links are
 * cut, slowed or spoiled, all nodes run here, behind gates; then a crash tears the sockets of the node.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Millis,
  type NodeId,
  type TraceEvent,
  type Typed,
  traceEvent,
  UsageError,
} from "../../core/index.ts";
import {
  addNode,
  createCluster,
  createIdentity,
  ephemeralCluster,
  type GrapevineNode,
  type Identity,
  loadNodeFolder,
  mergeOptions,
  type NodeConfig,
  type NodeOptions,
  shellLayer,
} from "../../node/index.ts";
import { durationMs } from "../../scenario/duration.ts";
import type { Action, Scenario, Selector } from "../../scenario/scenario.ts";
import {
  defaultPeers,
  defaultSeeds,
  pingIntervalOf,
  scenarioOptions,
} from "../../scenario/scenario-options.ts";
import { settingsByName } from "../../scenario/selector.ts";
import type { AttackFigures, PeerView, SeedView, World } from "../../scenario/world.ts";
import type { LinkSettings } from "../../simulator/index.ts";
import { type ScenarioNotice, scenarioLayer } from "../../trace/index.ts";
import { checkDescriptors, type IssuedIdentity, LocalNetwork, sleep } from "../local-network.ts";
import { Gates } from "./gated-transport.ts";
import { LiveAttacks } from "./live-attacks.ts";
import { NodeProcess } from "./node-process.ts";

export interface LiveWorldConfig {
  readonly seed: number;
  readonly isPlaintext?: boolean;
  /** The command line program, for nodes that need processes of their own. */
  readonly program: string;
}

/** Nodes that may join beside those of the beginning, behind gates. */
const roomForJoiners = 10_000;
/** So many peers may be on their way into the network at once, or the seeds' answers come too late for all. */
const atOnce = 32;

interface LiveNode {
  readonly name: string;
  readonly role: "peer" | "seed";
  /** Seeds: its place in the list. */
  readonly index: number;
  /** In this process, or in one of its own. */
  node: GrapevineNode | undefined;
  readonly process: NodeProcess | undefined;
  id: NodeId;
  isLiving: boolean;
  isPaused: boolean;
  lastView: PeerView | undefined;
}

type Actions = {
  readonly [Do in Action["do"]]: (action: Extract<Action, { readonly do: Do }>) => Promise<void>;
};

/** Throws `UsageError` for what no live world can do; nothing is started before `form`. */
export function createLiveWorld(scenario: Scenario, config: LiveWorldConfig): World {
  return new LiveWorld(scenario, config);
}

class LiveWorld implements World {
  readonly kind = "live";
  readonly pingIntervalMs: Millis;
  readonly #scenario: Scenario;
  readonly #config: LiveWorldConfig;
  readonly #options: NodeOptions;
  readonly #settings: ReturnType<typeof settingsByName>;
  /** What processes and disks need; "" before the network forms. */
  #folder = "";
  readonly #gates: Gates | undefined;
  readonly #ownProcesses: ReadonlySet<string>;
  /** Those that start again need something to remember themselves by. */
  readonly #isRemembering: boolean;
  readonly #nodes = new Map<string, LiveNode>();
  readonly #identities = new Map<string, Promise<IssuedIdentity>>();
  readonly #plainIdentities = new Map<string, Identity>();
  readonly #listeners: ((event: TraceEvent) => void)[] = [];
  #network: LocalNetwork | undefined;
  #attacks: LiveAttacks | undefined;
  /** Whether the next first event of a node is that of a restart. */
  #keepsDisk = new Map<string, boolean>();
  #published = 0;
  #said = 0;

  constructor(scenario: Scenario, config: LiveWorldConfig) {
    const { network = {}, timeline = [] } = scenario;
    this.#scenario = scenario;
    this.#config = config;
    this.pingIntervalMs = pingIntervalOf(scenario);
    this.#options = scenarioOptions(scenario);
    this.#settings = settingsByName(scenario, config.seed);
    checkSettings(scenario, this.#settings);
    const peers = network.peers ?? defaultPeers;
    const seeds = network.seeds ?? defaultSeeds;
    checkDescriptors({ seeds, peers, options: this.#options });
    const isGated =
      network.links !== undefined ||
      timeline.some((step) => ["partition", "cut", "links", "slow"].includes(step.do)) ||
      [...this.#settings.values()].some(({ perEventMs }) => perEventMs !== undefined);
    checkTimeline(scenario, isGated);
    this.#ownProcesses = isGated ? new Set() : namesToDisturb(scenario);
    this.#isRemembering = timeline.some((step) => step.do === "restart");
    if (isGated) {
      const nodes = peers + seeds + roomForJoiners;
      this.#gates = new Gates({ nodes, seed: config.seed, links: network.links });
      for (const [name, { perEventMs }] of this.#settings)
        if (perEventMs !== undefined) this.#gates.slow(name, perEventMs);
    }
  }

  get now(): Millis {
    return Date.now();
  }
  get figures(): AttackFigures {
    return this.#attacks?.figures ?? {};
  }

  onEvent(listener: (event: TraceEvent) => void): void {
    this.#listeners.push(listener);
  }

  async sleep(ms: Millis): Promise<void> {
    await sleep(ms);
    this.#follow();
  }

  async until(condition: () => boolean | Promise<boolean>, limitMs: Millis): Promise<Millis | undefined> {
    const start = Date.now();
    for (;;) {
      this.#follow();
      if (await condition()) return Date.now() - start;
      if (Date.now() - start > limitMs) return undefined;
      await sleep(20);
    }
  }

  // ---- The network ----

  async form(): Promise<void> {
    const { seeds = defaultSeeds, peers = defaultPeers, joinEvery = 0 } = this.#scenario.network ?? {};
    const { isPlaintext = false } = this.#config;
    this.#folder = mkdtempSync(join(tmpdir(), "grapevine-scenario-"));
    const needsFolders = !isPlaintext && this.#ownProcesses.size > 0;
    if (needsFolders) {
      const seedsOfOthers = [{ host: "127.0.0.1", port: 1 }]; // processes are given the real list
      await createCluster(this.#clusterFolder, { seeds: seedsOfOthers, name: "scenario" });
    }
    const cluster = isPlaintext || needsFolders ? undefined : await ephemeralCluster("scenario");
    this.#network = await LocalNetwork.start({
      seeds,
      peers: 0,
      isPlaintext,
      options: this.#options,
      issue: (name) => {
        const own = name.replace(/-life-\d+$/, "");
        let issued = this.#identities.get(own);
        if (issued === undefined) {
          issued = this.#issue(own, cluster);
          this.#identities.set(own, issued);
        }
        return issued;
      },
      configure: (role, name) => this.#configure(role, name),
      onNotice: (at, layer, notice, from) => this.#onNotice(at, layer, notice, from),
    });
    this.#attacks = new LiveAttacks(this.#network);
    const joinEveryMs = durationMs(joinEvery, this.pingIntervalMs, "network.joinEvery");
    for (let i = 1; i <= peers; i++) {
      await this.until(() => this.#onTheirWay < atOnce, 60_000);
      await this.#join(`peer-${i}`);
      if (joinEveryMs > 0) await this.sleep(joinEveryMs);
    }
    await this.until(() => this.#isFormed(), 60_000 + peers * 100);
  }

  get #clusterFolder(): string {
    return join(this.#folder, "cluster");
  }

  async #issue(
    name: string,
    cluster: Awaited<ReturnType<typeof ephemeralCluster>> | undefined,
  ): Promise<IssuedIdentity> {
    if (cluster === undefined) return loadNodeFolder(await addNode(this.#clusterFolder, name));
    const { caPem, memberKey } = cluster;
    return { identity: await cluster.issue(name), caPem, memberKey };
  }

  #configure(_role: "seed" | "peer", name: string): Partial<NodeConfig> {
    const options = mergeOptions(this.#options, this.#settings.get(name)?.options);
    return {
      name,
      options,
      ...(this.#gates === undefined ? {} : { wrapTransport: this.#gates.wrap(name) }),
      ...(this.#isRemembering ? { dataFolder: this.#dataFolder(name) } : {}),
      ...(this.#config.isPlaintext ? { identity: this.#plainIdentity(name) } : {}),
    };
  }

  #dataFolder(name: string): string {
    return join(this.#folder, `${name}-data`);
  }

  /** The same in each life. */
  #plainIdentity(name: string): Identity {
    const identity = this.#plainIdentities.get(name) ?? createIdentity();
    this.#plainIdentities.set(name, identity);
    return identity;
  }

  get #onTheirWay(): number {
    const { livePeers } = this.#network!;
    return livePeers.filter(
      ({ peer }) => peer!.registration.registeredWith.length < peer!.registration.quorum,
    ).length;
  }

  async #isFormed(): Promise<boolean> {
    if (!this.#network!.isFormed) return false;
    const views = await this.peers();
    return views.every(
      ({ isRegistered, neighbors }) => isRegistered && (neighbors.length > 0 || views.length < 2),
    );
  }

  async #join(name: string): Promise<void> {
    if (this.#nodes.has(name)) throw new UsageError(`join: there is a "${name}" already`);
    const isProcess = this.#ownProcesses.has(name);
    const live: LiveNode = {
      name,
      role: "peer",
      index: -1,
      node: undefined,
      process: isProcess ? await this.#prepareProcess(name) : undefined,
      id: "",
      isLiving: false,
      isPaused: false,
      lastView: undefined,
    };
    this.#nodes.set(name, live);
    if (live.process === undefined) live.node = await this.#network!.addPeer({ name });
    else await live.process.start();
  }

  async #prepareProcess(name: string): Promise<NodeProcess> {
    const { isPlaintext, program } = this.#config;
    return new NodeProcess({
      name,
      program,
      folder: this.#folder,
      nodeFolder: isPlaintext ? undefined : await addNode(this.#clusterFolder, name),
      seeds: this.#network!.seedAddresses,
      options: mergeOptions(this.#options, this.#settings.get(name)?.options),
      onEvent: (event) => this.#onEvent(event, name, "peer"),
    });
  }

  // ---- What happens ----

  #onNotice(at: Millis, layer: string, notice: Typed, from: GrapevineNode): void {
    if (layer === shellLayer && notice.type === "listening" && from.role === "seed") this.#meetSeed(from);
    let id: NodeId;
    try {
      id = from.contact;
    } catch {
      return; // a warning before it listens: nobody can say yet whose
    }
    this.#onEvent(traceEvent(at, id, layer, notice), from.name, from.role);
  }

  #meetSeed(node: GrapevineNode): void {
    const known = this.#nodes.get(node.name);
    if (known !== undefined) {
      known.node = node;
      return;
    }
    this.#nodes.set(node.name, {
      name: node.name,
      role: "seed",
      index: Number(node.name.replace("seed-", "")) - 1,
      node,
      process: undefined,
      id: "",
      isLiving: false,
      isPaused: false,
      lastView: undefined,
    });
  }

  #onEvent(event: TraceEvent, name: string, role: "peer" | "seed"): void {
    if (event.layer === shellLayer && event.type === "listening") this.#onListening(event, name, role);
    if (event.type === "published" && event.layer === "broadcast") this.#published++;
    for (const listener of this.#listeners) listener(event);
  }

  /** The first that is heard of a life. */
  #onListening({ at, node: id }: TraceEvent, name: string, role: "peer" | "seed"): void {
    const live = this.#nodes.get(name)!;
    live.id = id;
    live.isLiving = true;
    const keepsDisk = this.#keepsDisk.get(name);
    this.#announce(
      live,
      keepsDisk === undefined ? { type: "joined", name, role } : { type: "restarted", name, keepsDisk },
      at,
    );
  }

  #announce(live: LiveNode | undefined, notice: ScenarioNotice, at: Millis = Date.now()): void {
    const event = traceEvent(at, live?.id ?? "", scenarioLayer, notice);
    for (const listener of this.#listeners) listener(event);
  }

  /** What processes have written down. */
  #follow(): void {
    for (const { process } of this.#nodes.values()) process?.follow();
  }

  // ---- What can be seen ----

  async peers(): Promise<readonly PeerView[]> {
    this.#follow();
    const living = [...this.#nodes.values()].filter(({ role, isLiving }) => role === "peer" && isLiving);
    return await Promise.all(living.map((live) => this.#view(live)));
  }

  async #view(live: LiveNode): Promise<PeerView> {
    if (live.isPaused && live.lastView !== undefined) return live.lastView;
    live.lastView = live.process === undefined ? viewOf(live.name, live.node!) : await live.process.view();
    return live.lastView;
  }

  async seeds(): Promise<readonly SeedView[]> {
    const views: SeedView[] = [];
    for (const { name, role, isLiving, node } of this.#nodes.values())
      if (role === "seed" && isLiving) views.push(seedViewOf(name, node!));
    return views;
  }

  // ---- What is done ----

  async perform(action: Action): Promise<void> {
    await (this.#actions[action.do] as (action: Action) => Promise<void>)(action);
    this.#follow();
  }

  readonly #actions: Actions = {
    join: async ({ name }) => this.#join(name!),
    crash: async ({ node }) => {
      await this.#each(node, "crash", async (live) => {
        this.#announce(live, { type: "crashed" });
        live.isLiving = false;
        live.isPaused = false;
        await (live.process ?? live.node!).kill();
      });
    },
    restart: async ({ node, keepsDisk = true }) => {
      for (const name of node as readonly string[]) await this.#restart(name, keepsDisk);
    },
    pause: async ({ node }) => {
      await this.#each(node, "pause", async (live) => {
        const process = this.#processOf(live, "pause");
        await this.#view(live);
        live.isPaused = true;
        this.#announce(live, { type: "paused" });
        process.hang();
      });
    },
    resume: async ({ node }) => {
      await this.#each(node, "resume", async (live) => {
        this.#processOf(live, "resume").wake();
        live.isPaused = false;
        this.#announce(live, { type: "resumed" });
      });
    },
    leave: async ({ node }) => {
      await this.#each(node, "leave", async (live) => {
        this.#announce(live, { type: "left" });
        live.isLiving = false;
        await (live.process ?? live.node!).leave();
      });
    },
    publish: async ({ from, messages = 1 }) => this.#publish(from as readonly string[], messages),
    partition: async ({ groups = [], by }) => {
      if (by !== undefined) throw noZones();
      const names = groups as readonly (readonly string[])[];
      for (const name of names.flat()) this.#find(name, "partition");
      this.#gates!.partition(names);
      const apart = names.slice(1).map(({ length }) => length);
      const rest = this.#nodes.size - apart.reduce((sum, size) => sum + size, 0);
      this.#announce(undefined, { type: "partitioned", sizes: [rest, ...apart] });
    },
    cut: async ({ from, to }) => {
      const [sources, targets] = [from, to] as readonly (readonly string[])[];
      for (const name of [...sources!, ...targets!]) this.#find(name, "cut");
      this.#gates!.cut(sources!, targets!);
      this.#announce(undefined, { type: "cut", from: sources!, to: targets! });
    },
    heal: async () => {
      this.#gates?.heal();
      this.#announce(undefined, { type: "healed" });
    },
    links: async ({ set }) => {
      checkLinks(set);
      this.#gates!.setLinks(set);
      this.#announce(undefined, { type: "links-changed" });
    },
    slow: async ({ node, perEventMs }) => {
      await this.#each(node, "slow", async (live) => {
        this.#gates!.slow(live.name, perEventMs);
        this.#announce(live, { type: "slowed", perEventMs });
      });
    },
    drift: async () => {
      throw noDrift();
    },
    "forge-reports": async ({ against }) => {
      const names = against as readonly string[];
      for (const name of names) this.#find(name, "forge-reports");
      const victims = (await this.peers()).filter(({ name }) => names.includes(name));
      const count = await this.#attacks!.forgeReports(victims);
      this.#announce(undefined, { type: "forged", what: "reports", count });
    },
    "forge-registrations": async ({ count = 200 }) => {
      const sent = await this.#attacks!.forgeRegistrations(count);
      this.#announce(undefined, { type: "forged", what: "registrations", count: sent });
    },
    junk: async ({ node, idleConnections = 1000 }) => {
      const attacked = (node as readonly string[]).map((name) => {
        const live = this.#find(name, "junk");
        if (live.node === undefined)
          throw new UsageError(
            `junk: ${name} is a process of its own, and nobody here can count what it holds`,
          );
        return live.node;
      });
      const connections = await this.#attacks!.junk(attacked, idleConnections);
      this.#announce(undefined, { type: "junk", connections });
    },
  };

  #find(name: string, action: string): LiveNode {
    const live = this.#nodes.get(name);
    if (live === undefined) throw new UsageError(`${action}: there is no "${name}"`);
    return live;
  }

  /** One after the other, as they were named; the dead are passed over. */
  async #each(selector: Selector, action: string, what: (live: LiveNode) => Promise<void>): Promise<void> {
    for (const name of selector as readonly string[]) {
      const live = this.#find(name, action);
      if (live.isLiving) await what(live);
    }
  }

  #processOf(live: LiveNode, action: string): NodeProcess {
    if (live.process !== undefined) return live.process;
    const why =
      this.#gates === undefined
        ? `${live.name} runs in this process; only peers that are ${action}d by their name run in their own`
        : `${live.name} runs in this process, because this scenario cuts or changes links`;
    throw new UsageError(`${action}: ${why}, so it cannot be stopped alone; run this with --world simulated`);
  }

  async #restart(name: string, keepsDisk: boolean): Promise<void> {
    const live = this.#find(name, "restart");
    if (live.isLiving) throw new UsageError(`restart: ${name} lives; crash it first`);
    this.#keepsDisk.set(name, keepsDisk);
    if (!keepsDisk) {
      live.process?.forget();
      rmSync(this.#dataFolder(name), { recursive: true, force: true });
    }
    if (live.process !== undefined) await live.process.start();
    else if (live.role === "seed") live.node = await this.#network!.startSeed(live.index);
    else live.node = await this.#network!.addPeer({ name });
  }

  /** Resolves when all of it is on its way. */
  async #publish(names: readonly string[], messages: number): Promise<void> {
    let target = this.#published;
    await this.#each(names, "publish", async (live) => {
      if (live.isPaused) throw new UsageError(`publish: ${live.name} is paused`);
      if (live.role === "seed")
        throw new UsageError(`publish: ${live.name} is a seed, and seeds do not gossip`);
      target += messages;
      for (let i = 0; i < messages; i++)
        await (live.process ?? live.node!).publish(`${live.name} says ${++this.#said}`);
    });
    const tookMs = await this.until(() => this.#published >= target, 10_000);
    if (tookMs === undefined)
      throw new Error(`${target - this.#published} messages were not published in 10 s`);
  }

  async close(): Promise<void> {
    await this.#attacks?.close();
    for (const { process } of this.#nodes.values()) await process?.kill();
    await this.#network?.close();
    if (this.#folder !== "") rmSync(this.#folder, { recursive: true, force: true });
  }
}

function viewOf(name: string, node: GrapevineNode): PeerView {
  const { registration, overlay, broadcast } = node.peer!;
  return {
    name,
    id: node.contact,
    neighbors: overlay.neighbors,
    incarnation: registration.incarnation,
    isRegistered: registration.registeredWith.length >= registration.quorum,
    retained: broadcast.retainedCount,
  };
}

function seedViewOf(name: string, node: GrapevineNode): SeedView {
  const { list, fingerprint, counters } = node.seed!.registry;
  return {
    name,
    id: node.contact,
    list: list.map(({ peer, incarnation, neighbors }) => ({
      peer,
      incarnation,
      neighbors: neighbors.length,
    })),
    fingerprint,
    ignoredReports: counters.forgedReports + counters.strangersReports,
    refusedRegistrations: counters.refusedInvalid + counters.refusedUnreachable + counters.refusedFull,
  };
}

/** Peers that the timeline crashes, hangs, wakes or restarts, by name. */
function namesToDisturb({ timeline = [] }: Scenario): ReadonlySet<string> {
  const names = new Set<string>();
  for (const step of timeline) {
    if (step.do !== "crash" && step.do !== "pause" && step.do !== "resume" && step.do !== "restart") continue;
    const { node } = step;
    for (const name of typeof node === "string" ? [node] : "random" in node ? [] : node)
      if (!/^(all peers|all seeds|the drawn|seed-\d+)$/.test(name)) names.add(name);
  }
  return names;
}

function checkSettings({ network = {} }: Scenario, settings: ReturnType<typeof settingsByName>): void {
  checkLinks(network.links ?? {});
  for (const [name, { zone, uploadBytesPerSecond, downloadBytesPerSecond }] of settings) {
    const option = Object.entries({ zone, uploadBytesPerSecond, downloadBytesPerSecond }).find(
      ([, value]) => value !== undefined,
    );
    if (option !== undefined)
      throw new UsageError(
        `${option[0]}: of ${name}, can only be simulated; run this with --world simulated`,
      );
  }
}

/** What no live network can do is said before there is one, and not when the step's time has come. */
function checkTimeline({ timeline = [] }: Scenario, isGated: boolean): void {
  for (const step of timeline) {
    if (isGated && (step.do === "pause" || step.do === "resume"))
      throw new UsageError(
        `${step.do}: this scenario cuts or changes links, so that live all nodes run in one process, and none can be stopped alone; run this with --world simulated`,
      );
    if (step.do === "drift") throw noDrift();
    if (step.do === "partition" && step.by !== undefined) throw noZones();
    if (step.do === "links") checkLinks(step.set);
  }
}

function noDrift(): UsageError {
  return new UsageError(
    "drift: the clock of a live node is the machine's and cannot be bent; run this with --world simulated",
  );
}

function noZones(): UsageError {
  return new UsageError(
    "by: live nodes are in no zones; name the groups, or run this with --world simulated",
  );
}

/** Live links are streams of the machine's own speed. */
function checkLinks(links: Partial<LinkSettings>): void {
  const { kind = "stream", duplication = 0, reordering = 0 } = links;
  const { uploadBytesPerSecond = 0, downloadBytesPerSecond = 0 } = links;
  const cannot = (option: string, why: string) =>
    new UsageError(`links.${option}: ${why}; run this with --world simulated`);
  if (kind !== "stream") throw cannot("kind", "live links are streams");
  if (duplication > 0) throw cannot("duplication", "a stream doubles nothing");
  if (reordering > 0) throw cannot("reordering", "a stream keeps the order");
  if (uploadBytesPerSecond > 0 || downloadBytesPerSecond > 0)
    throw cannot("uploadBytesPerSecond", "bandwidth can only be simulated");
}
