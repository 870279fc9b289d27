/**
 * A scenario on real sockets. Nodes run in this process, except those that the timeline crashes, hangs, wakes or
 * restarts by name: these are processes of their own, so that SIGKILL and SIGSTOP are what they are. Where links are
 * cut, slowed or spoiled, all nodes run here, behind gates; then a crash tears the sockets of the node, and who is
 * paused reads none of his.
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
  ephemeralCluster,
  type GrapevineNode,
  loadNodeFolder,
  mergeOptions,
  type NodeOptions,
  shellLayer,
} from "../../node/index.ts";
import type { ProfileName } from "../../profiles/index.ts";
import { durationMs } from "../../scenario/duration.ts";
import type { Action, Scenario } from "../../scenario/scenario.ts";
import {
  defaultPeers,
  defaultSeeds,
  pingIntervalOf,
  profileIn,
  scenarioOptions,
} from "../../scenario/scenario-options.ts";
import { settingsByName } from "../../scenario/selector.ts";
import { peerViewOf, seedViewOf } from "../../scenario/views.ts";
import type { AttackFigures, PeerView, SeedView, World } from "../../scenario/world.ts";
import { type ScenarioNotice, scenarioLayer } from "../../trace/index.ts";
import { checkLiveLinks, LiveHands, noZones, roomForJoiners } from "../live-hands.ts";
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

/** So many peers may be on their way into the network at once, or the seeds' answers come too late for all. */
const atOnce = 32;

interface LiveNode {
  readonly name: string;
  readonly role: "peer" | "seed";
  /** In this process, or in one of its own; undefined before its first life. */
  node: GrapevineNode | NodeProcess | undefined;
  lastView: PeerView | undefined;
}

type Attack = Extract<Action["do"], "forge-reports" | "forge-registrations" | "junk" | "drift">;
type Attacks = {
  readonly [Do in Attack]: (action: Extract<Action, { readonly do: Do }>) => Promise<void>;
};

/** Throws `UsageError` for what no live world can do; nothing is started before `form`. */
export function createLiveWorld(scenario: Scenario, config: LiveWorldConfig): World {
  return new LiveWorld(scenario, config);
}

class LiveWorld implements World {
  readonly kind = "live";
  readonly profile: ProfileName;
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
  readonly #listeners: ((event: TraceEvent) => void)[] = [];
  #network: LocalNetwork | undefined;
  #attacks: LiveAttacks | undefined;
  readonly #hands: LiveHands;
  #published = 0;

  constructor(scenario: Scenario, config: LiveWorldConfig) {
    const { network = {}, timeline = [] } = scenario;
    this.#scenario = scenario;
    this.#config = config;
    this.profile = profileIn(scenario);
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
    checkTimeline(scenario);
    this.#ownProcesses = isGated ? new Set() : namesToDisturb(scenario);
    this.#isRemembering = timeline.some((step) => step.do === "restart");
    if (isGated) {
      const nodes = peers + seeds + roomForJoiners;
      this.#gates = new Gates({ nodes, seed: config.seed, links: network.links });
      for (const [name, { perEventMs }] of this.#settings)
        if (perEventMs !== undefined) this.#gates.slow(name, perEventMs);
    }
    this.#hands = new LiveHands({
      nodes: () => this.#handled(),
      pingIntervalMs: this.pingIntervalMs,
      seed: config.seed,
      gates: this.#gates,
      join: (name) => this.#join(name!),
      restart: ({ name }, keepsDisk) => this.#restart(this.#nodes.get(name)!, keepsDisk),
    });
    this.#hands.onEvent((event) => this.#tell(event));
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
      issue: (name) => this.#issue(name, cluster),
      gates: this.#gates,
      ...(this.#isRemembering ? { dataFolder: (name) => join(this.#folder, `${name}-data`) } : {}),
      configure: (_role, name) => ({
        options: mergeOptions(this.#options, this.#settings.get(name)?.options),
      }),
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

  get #onTheirWay(): number {
    const { livePeers } = this.#network!;
    return livePeers.filter(({ peer }) => !peer!.isJoined).length;
  }

  async #isFormed(): Promise<boolean> {
    if (!this.#network!.isFormed) return false;
    const views = await this.peers();
    return views.every(
      ({ isRegistered, neighbors }) => isRegistered && (neighbors.length > 0 || views.length < 2),
    );
  }

  async #join(name: string): Promise<GrapevineNode | NodeProcess> {
    if (this.#nodes.has(name)) throw new UsageError(`join: there is a "${name}" already`);
    const live: LiveNode = { name, role: "peer", node: undefined, lastView: undefined };
    this.#nodes.set(name, live);
    if (!this.#ownProcesses.has(name)) {
      live.node = await this.#network!.addPeer({ name });
      return live.node;
    }
    const process = await this.#prepareProcess(name);
    live.node = process;
    await process.start();
    return process;
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
    if (known !== undefined) known.node = node;
    else this.#nodes.set(node.name, { name: node.name, role: "seed", node, lastView: undefined });
  }

  #onEvent(event: TraceEvent, name: string, role: "peer" | "seed"): void {
    if (event.layer === shellLayer && event.type === "listening")
      this.#hands.began({ name, role, contact: event.node }, event.at);
    if (event.type === "published" && event.layer === "broadcast") this.#published++;
    this.#tell(event);
  }

  #tell(event: TraceEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #announce(notice: ScenarioNotice): void {
    this.#tell(traceEvent(Date.now(), "", scenarioLayer, notice));
  }

  /** What processes have written down. */
  #follow(): void {
    for (const { node } of this.#nodes.values()) if (node instanceof NodeProcess) node.follow();
  }

  *#handled(): Generator<GrapevineNode | NodeProcess> {
    for (const { node } of this.#nodes.values()) if (node !== undefined) yield node;
  }

  // ---- What can be seen ----

  async peers(): Promise<readonly PeerView[]> {
    this.#follow();
    const living = [...this.#nodes.values()].filter(
      ({ role, node }) => role === "peer" && node?.isRunning === true,
    );
    return await Promise.all(living.map((live) => this.#view(live)));
  }

  async #view(live: LiveNode): Promise<PeerView> {
    const node = live.node!;
    if (node.isPaused && live.lastView !== undefined) return live.lastView;
    live.lastView = node instanceof NodeProcess ? await node.view() : peerViewOf(named(node), node.peer!);
    return live.lastView;
  }

  async seeds(): Promise<readonly SeedView[]> {
    return this.#network!.liveSeeds.map((node) => seedViewOf(named(node), node.seed!));
  }

  // ---- What is done ----

  async perform(action: Action): Promise<void> {
    if (action.do === "publish") await this.#publish(action);
    else if (isAttack(action))
      await (this.#attackWith[action.do] as (action: Action) => Promise<void>)(action);
    else {
      if (action.do === "pause") await this.#lookBefore(action.node as readonly string[]);
      await this.#hands.perform(action);
    }
    this.#follow();
  }

  /** A process that hangs answers nothing more. */
  async #lookBefore(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const live = this.#nodes.get(name);
      if (live?.role === "peer" && live.node?.isRunning === true) await this.#view(live);
    }
  }

  readonly #attackWith: Attacks = {
    drift: async () => {
      throw noDrift();
    },
    "forge-reports": async ({ against }) => {
      const names = against as readonly string[];
      for (const name of names) this.#find(name, "forge-reports");
      const victims = (await this.peers()).filter(({ name }) => names.includes(name));
      const count = await this.#attacks!.forgeReports(victims);
      this.#announce({ type: "forged", what: "reports", count });
    },
    "forge-registrations": async ({ count = 200 }) => {
      const sent = await this.#attacks!.forgeRegistrations(count);
      this.#announce({ type: "forged", what: "registrations", count: sent });
    },
    junk: async ({ node, idleConnections = 1000 }) => {
      const attacked = (node as readonly string[]).map((name) => {
        const { node } = this.#find(name, "junk");
        if (node === undefined || node instanceof NodeProcess)
          throw new UsageError(
            `junk: ${name} is a process of its own, and nobody here can count what it holds`,
          );
        return node;
      });
      const connections = await this.#attacks!.junk(attacked, idleConnections);
      this.#announce({ type: "junk", connections });
    },
  };

  #find(name: string, action: string): LiveNode {
    const live = this.#nodes.get(name);
    if (live === undefined) throw new UsageError(`${action}: there is no "${name}"`);
    return live;
  }

  async #restart(live: LiveNode, keepsDisk: boolean): Promise<void> {
    if (!(live.node instanceof NodeProcess)) {
      live.node = await this.#network!.restart(live.node!, keepsDisk);
      return;
    }
    if (!keepsDisk) live.node.forget();
    await live.node.start();
  }

  /** Resolves when all of it is on its way. */
  async #publish(action: Extract<Action, { readonly do: "publish" }>): Promise<void> {
    const before = this.#published;
    const { nodes } = await this.#hands.perform(action);
    const target = before + nodes.length * (action.messages ?? 1);
    const tookMs = await this.until(() => this.#published >= target, 10_000);
    if (tookMs === undefined)
      throw new Error(`${target - this.#published} messages were not published in 10 s`);
  }

  async close(): Promise<void> {
    await this.#attacks?.close();
    for (const { node } of this.#nodes.values()) if (node instanceof NodeProcess) await node.kill();
    await this.#network?.close();
    if (this.#folder !== "") rmSync(this.#folder, { recursive: true, force: true });
  }
}

function named({ name, contact }: GrapevineNode): { readonly name: string; readonly id: NodeId } {
  return { name, id: contact };
}

function isAttack(action: Action): action is Extract<Action, { readonly do: Attack }> {
  return ["forge-reports", "forge-registrations", "junk", "drift"].includes(action.do);
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
  checkLiveLinks(network.links ?? {});
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
function checkTimeline({ timeline = [] }: Scenario): void {
  for (const step of timeline) {
    if (step.do === "drift") throw noDrift();
    if (step.do === "partition" && step.by !== undefined) throw noZones();
    if (step.do === "links") checkLiveLinks(step.set);
  }
}

function noDrift(): UsageError {
  return new UsageError(
    "drift: the clock of a live node is the machine's and cannot be bent; run this with --world simulated",
  );
}
