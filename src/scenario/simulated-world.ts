/** A scenario's network in virtual time. */
import {
  type Millis,
  type NodeId,
  sample,
  seededRandom,
  type Tagged,
  type TraceEvent,
  type Typed,
  UsageError,
} from "../core/index.ts";
import { mergeOptions, type ProfileName, type ProfileOptions } from "../profiles/index.ts";
import { SimulatedNetwork } from "../simulated/index.ts";
import type { LinkSettings, MessageCodec } from "../simulator/index.ts";
import { type ScenarioNotice, scenarioLayer } from "../trace/index.ts";
import { joinersOf } from "./churn-step.ts";
import { durationMs } from "./duration.ts";
import type { Action, Scenario, Selector } from "./scenario.ts";
import {
  defaultPeers,
  defaultSeeds,
  pingIntervalOf,
  profileIn,
  scenarioOptions,
} from "./scenario-options.ts";
import { SimulatedAttacks } from "./simulated-attacks.ts";
import { peerViewOf, seedViewOf } from "./views.ts";
import type { AttackFigures, PeerView, SeedView, World } from "./world.ts";

export interface SimulatedWorldConfig {
  readonly seed: number;
  /** Of the wire: needed where the scenario is wire-true, or somebody in it lies or sends junk. */
  readonly codec?: MessageCodec<Tagged>;
  /** Lets virtual time pass until then; default: at once. For who shows the network while it runs. */
  readonly pass?: (until: Millis) => Promise<void>;
  /** Bytes of a message on the wire, for links with limited bandwidth; not asked where there is a codec. */
  readonly sizeOf?: (message: Tagged) => number;
  /** So many may join beside those of the scenario. */
  readonly spareRows?: number;
  /** Whoever crashes may find its disk again, though the scenario restarts nobody. */
  readonly keepsDisks?: boolean;
}

/** What live links are, seen from above: ordered and without loss, but with a latency. */
const defaultLinks: Partial<LinkSettings> = {
  kind: "stream",
  latency: { model: "uniform", fromMs: 5, toMs: 50 },
};
/** A stream that a cut holds is given up after so many pings: by then the neighbor has been. */
const resetAfterPings = 20;
const defaultJoinEveryMs = 10;
const formingPatienceMs = 60_000;
/** Rows for those who only attack. */
const attackers = 2;

export class SimulatedWorld implements World {
  readonly kind = "simulated";
  readonly profile: ProfileName;
  readonly pingIntervalMs: Millis;
  readonly network: SimulatedNetwork;
  readonly #scenario: Scenario;
  readonly #attacks: SimulatedAttacks;
  readonly #listeners: ((event: TraceEvent) => void)[] = [];
  readonly #stepMs: Millis;
  readonly #pass: (until: Millis) => Promise<void>;
  /** What their machines take for an event, by row. */
  readonly #slowMachines = new Map<number, Millis>();
  #published = 0;

  /** Throws `UsageError` for a network that cannot be. */
  constructor(scenario: Scenario, config: SimulatedWorldConfig) {
    const { network = {}, timeline = [] } = scenario;
    const { seed, codec, spareRows = 0, keepsDisks = false } = config;
    this.#scenario = scenario;
    this.profile = profileIn(scenario);
    this.pingIntervalMs = pingIntervalOf(scenario);
    this.#stepMs = Math.max(1, Math.round(this.pingIntervalMs / 20));
    const { seeds = defaultSeeds, peers = defaultPeers } = network;
    const forges = timeline.some((step) => step.do === "forge-reports" || step.do === "forge-registrations");
    const needsBytes = forges || timeline.some((step) => step.do === "junk");
    // Whoever lies about addresses needs a world in which identity and address are two things.
    const isWireTrue = network.isWireTrue === true || needsBytes;
    if (isWireTrue && codec === undefined)
      throw new UsageError(
        `codec: "${scenario.name}" sends bytes, and no codec was given; hand in that of the wire`,
      );
    this.network = new SimulatedNetwork({
      seed,
      seeds,
      maxPeers: peers + joinersOf(timeline, seed) + spareRows + attackers,
      links: {
        ...defaultLinks,
        resetAfterMs: resetAfterPings * this.pingIntervalMs,
        ...network.links,
      },
      options: scenarioOptions(scenario),
      optionsOf: this.#optionsByName(seed, seeds, peers),
      codec: isWireTrue ? codec : undefined,
      sizeOf: config.sizeOf,
      keepsDisks: keepsDisks || timeline.some((step) => step.do === "restart" && step.keepsDisk !== false),
      hasLiars: forges,
      onNotice: (at, row, layer, notice) => this.#onNotice(at, row, layer, notice),
    });
    this.#attacks = new SimulatedAttacks(this.network);
    this.#pass = config.pass ?? (async (until) => void this.network.simulation.run(until));
  }

  get now(): Millis {
    return this.network.time;
  }
  get traceHash(): string {
    return this.network.simulation.hash;
  }
  get figures(): AttackFigures {
    return this.#attacks.figures;
  }

  onEvent(listener: (event: TraceEvent) => void): void {
    this.#listeners.push(listener);
  }

  // ---- Time ----

  async form(): Promise<void> {
    const {
      seeds = defaultSeeds,
      peers = defaultPeers,
      joinEvery = defaultJoinEveryMs,
    } = this.#scenario.network ?? {};
    const joinEveryMs = durationMs(joinEvery, this.pingIntervalMs, "joinEvery");
    for (let row = 0; row < seeds; row++) {
      this.#tell(row, { type: "joined", name: this.network.nameOf(row), role: "seed" });
      this.network.startSeed(row);
    }
    for (let i = 0; i < peers; i++) {
      this.#join(`peer-${i + 1}`);
      if (joinEveryMs > 0) await this.#run(joinEveryMs);
    }
    this.#describeNodes();
    await this.until(() => this.network.isFormed, formingPatienceMs + peers * 100);
  }

  async sleep(ms: Millis): Promise<void> {
    await this.#run(ms);
  }

  async until(condition: () => boolean | Promise<boolean>, limitMs: Millis): Promise<Millis | undefined> {
    const start = this.now;
    while (!(await condition())) {
      const leftMs = start + limitMs - this.now;
      if (leftMs <= 0) return undefined;
      await this.#run(Math.min(leftMs, this.#stepMs));
    }
    return this.now - start;
  }

  async close(): Promise<void> {}

  #run(ms: Millis): Promise<void> {
    return this.#pass(this.now + ms);
  }

  // ---- Actions ----

  async perform(action: Action): Promise<void> {
    const { network } = this;
    const { simulation } = network;
    switch (action.do) {
      case "join":
        return this.#join(action.name!);
      case "crash":
        for (const row of this.#living(action.node)) {
          network.crash(row);
          this.#tell(row, { type: "crashed" });
        }
        return;
      case "restart":
        for (const row of this.#rows(action.node)) this.#restart(row, action.keepsDisk !== false);
        return;
      case "pause":
        for (const row of this.#living(action.node)) {
          simulation.pause(row);
          this.#tell(row, { type: "paused" });
        }
        return;
      case "resume":
        for (const row of this.#living(action.node)) {
          this.#tell(row, { type: "resumed" });
          simulation.resume(row);
        }
        return;
      case "leave":
        for (const row of this.#living(action.node)) {
          network.leave(row);
          this.#tell(row, { type: "left" });
        }
        // What it says to others is said before anybody looks again.
        return this.#run(2);
      case "publish":
        return this.#publish(this.#living(action.from), action.messages ?? 1, action.text);
      case "partition": {
        if (action.by === "zone") {
          const { links } = simulation;
          links.connectivity.partitionByZone((row) => links.zoneOf(row));
          return this.#tell(undefined, { type: "partitioned", sizes: [] });
        }
        const names = (action.groups ?? []) as readonly (readonly string[])[];
        const groups = names.map((group) => this.#rows(group));
        simulation.links.connectivity.partition(groups);
        const sizes = groups.map((group) => group.length);
        return this.#tell(undefined, { type: "partitioned", sizes, apart: names.slice(1) });
      }
      case "cut":
        simulation.links.connectivity.cut(this.#rows(action.from), this.#rows(action.to));
        return this.#tell(undefined, {
          type: "cut",
          from: action.from as readonly string[],
          to: action.to as readonly string[],
        });
      case "heal":
        simulation.links.connectivity.heal();
        return this.#tell(undefined, { type: "healed" });
      case "links":
        simulation.links.change(action.set);
        return this.#tell(undefined, { type: "links-changed", set: { ...action.set } });
      case "slow":
        for (const row of this.#living(action.node)) {
          this.#slowDown(row, action.perEventMs);
          this.#tell(row, { type: "slowed", perEventMs: action.perEventMs });
        }
        return;
      case "drift": {
        const offsetMs = durationMs(action.offset ?? 0, this.pingIntervalMs, "offset");
        for (const row of this.#rows(action.node)) {
          simulation.setClock(row, action.rate, offsetMs);
          this.#tell(row, { type: "drifted", rate: action.rate });
        }
        return;
      }
      case "forge-reports": {
        const count = this.#attacks.forgeReports(this.#rows(action.against));
        return this.#tell(undefined, { type: "forged", what: "reports", count });
      }
      case "forge-registrations": {
        const count = this.#attacks.forgeRegistrations(action.count ?? 200);
        return this.#tell(undefined, { type: "forged", what: "registrations", count });
      }
      case "junk": {
        const connections = this.#attacks.sendJunk(this.#rows(action.node));
        return this.#tell(undefined, { type: "junk", connections });
      }
    }
  }

  #join(name: string): void {
    const row = this.network.reserve(name);
    this.#tell(row, { type: "joined", name, role: "peer" });
    this.network.startPeer(row);
  }

  #slowDown(row: number, perEventMs: Millis): void {
    this.#slowMachines.set(row, perEventMs);
    this.network.simulation.slowDown(row, perEventMs);
  }

  #restart(row: number, keepsDisk: boolean): void {
    if (this.network.simulation.isAlive(row)) {
      throw new UsageError(
        `restart: ${this.network.nameOf(row)} is running; only who has crashed can start again`,
      );
    }
    this.#tell(row, { type: "restarted", name: this.network.nameOf(row), keepsDisk });
    if (this.network.isSeed(row)) this.network.startSeed(row, keepsDisk);
    else this.network.startPeer(row, keepsDisk);
    // A slow machine is slow in every life.
    const perEventMs = this.#slowMachines.get(row);
    if (perEventMs !== undefined) this.network.simulation.slowDown(row, perEventMs);
  }

  async #publish(rows: readonly number[], messages: number, text: string | undefined): Promise<void> {
    for (const row of rows) {
      for (let i = 0; i < messages; i++) {
        this.network.publish(row, [text ?? `${this.network.nameOf(row)} says ${++this.#published}`]);
      }
    }
    // It is published when the nodes have heard of it.
    await this.#run(1);
  }

  // ---- What can be seen ----

  async peers(): Promise<readonly PeerView[]> {
    return [...this.network.peers].map(([row, peer]) => peerViewOf(this.#named(row), peer));
  }

  async seeds(): Promise<readonly SeedView[]> {
    return [...this.network.seeds].map(([row, seed]) => seedViewOf(this.#named(row), seed));
  }

  #named(row: number): { readonly name: string; readonly id: NodeId } {
    return { name: this.network.nameOf(row), id: this.network.simulation.idOf(row) };
  }

  // ---- Events ----

  #onNotice(at: Millis, row: number, layer: string, notice: Typed & Record<string, any>): void {
    if (notice.type === "persist") return; // the disk's affair, as it is the shell's when live
    const statedAt = notice["at"];
    const event: Record<string, unknown> = { ...notice, at, node: this.network.simulation.idOf(row), layer };
    if (statedAt !== undefined) event["statedAt"] = statedAt;
    for (const listener of this.#listeners) listener(event as unknown as TraceEvent);
  }

  #tell(row: number | undefined, notice: ScenarioNotice): void {
    const node: NodeId = row === undefined ? "" : this.network.simulation.idOf(row);
    const event = { at: this.now, node, layer: scenarioLayer, ...notice } as unknown as TraceEvent;
    for (const listener of this.#listeners) listener(event);
  }

  // ---- Names ----

  #rows(selector: Selector): number[] {
    return (selector as readonly string[]).map((name) => {
      const row = this.network.rowOf(name);
      if (row === undefined) throw new UsageError(`node: there is no "${name}"`);
      return row;
    });
  }

  #living(selector: Selector): number[] {
    return this.#rows(selector).filter((row) => this.network.simulation.isAlive(row));
  }

  /** Whom the entries of `nodes` mean, before anybody has started. */
  #chosen(which: Selector, seed: number, seeds: number, peers: number): ReadonlySet<string> {
    const names = (role: "seed" | "peer", count: number) =>
      Array.from({ length: count }, (_, i) => `${role}-${i + 1}`);
    if (which === "all peers") return new Set(names("peer", peers));
    if (which === "all seeds") return new Set(names("seed", seeds));
    if (typeof which === "string") return new Set([which]);
    if (Array.isArray(which)) return new Set(which);
    const { random: count, of } = which as Extract<Selector, { readonly of: string }>;
    const all = of === "peers" ? names("peer", peers) : names("seed", seeds);
    const wanted = count === "minority" ? Math.floor((all.length - 1) / 2) : count;
    return new Set(sample(all, wanted, seededRandom(seed)));
  }

  #optionsByName(
    seed: number,
    seeds: number,
    peers: number,
  ): ((name: string) => ProfileOptions | undefined) | undefined {
    const special = (this.#scenario.nodes ?? [])
      .filter(({ options }) => options !== undefined)
      .map(({ which, options }) => ({ names: this.#chosen(which, seed, seeds, peers), options }));
    if (special.length === 0) return undefined;
    const ofAll = scenarioOptions(this.#scenario);
    return (name) => {
      const own = special.filter(({ names }) => names.has(name)).map(({ options }) => options);
      return own.length === 0 ? undefined : mergeOptions(ofAll, ...own);
    };
  }

  /** Lines, zones and slowness of nodes that are not like the others. */
  #describeNodes(): void {
    const { simulation, config } = this.network;
    const peers = this.#scenario.network?.peers ?? defaultPeers;
    for (const node of this.#scenario.nodes ?? []) {
      const { which, uploadBytesPerSecond = 0, downloadBytesPerSecond = 0, perEventMs, zone } = node;
      for (const name of this.#chosen(which, config.seed, config.seeds, peers)) {
        const row = this.network.rowOf(name);
        if (row === undefined) throw new UsageError(`nodes: there is no "${name}"`);
        if (uploadBytesPerSecond > 0 || downloadBytesPerSecond > 0)
          simulation.links.setBandwidth(row, uploadBytesPerSecond, downloadBytesPerSecond);
        if (perEventMs !== undefined) this.#slowDown(row, perEventMs);
        if (zone !== undefined) simulation.links.setZone(row, zone);
      }
    }
  }
}
