/** What all drills share: a live network, a fault, and checks that say whether the network held. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  addNode,
  createCluster,
  type GrapevineNode,
  loadNodeFolder,
  mergeOptions,
  type NodeOptions,
} from "../../node/index.ts";
import { LocalNetwork, sleep } from "../local-network.ts";
import type { Check } from "../scenario/scenario.ts";

export interface DrillConfig {
  readonly peers: number;
  readonly seeds: number;
  readonly isPlaintext: boolean;
  readonly pingIntervalMs: number;
  readonly options: NodeOptions;
  /** The command line program, for drills that need processes of their own. */
  readonly program: string;
  readonly say: (text: string) => void;
}

export interface DrillReport {
  readonly drill: string;
  readonly ok: boolean;
  readonly checks: readonly Check[];
  readonly figures: Readonly<Record<string, unknown>>;
}

export interface Drill {
  readonly name: string;
  readonly description: string;
  run(stage: Stage): Promise<void>;
}

/** Where a drill plays: what it starts here is ended with it, and what it finds is written down. */
export class Stage {
  readonly config: DrillConfig;
  readonly checks: Check[] = [];
  readonly figures: Record<string, unknown> = {};
  readonly folder: string;
  readonly #endings: (() => Promise<void> | void)[] = [];

  constructor(config: DrillConfig) {
    this.config = config;
    this.folder = mkdtempSync(join(tmpdir(), "grapevine-drill-"));
  }

  /** Options of every node of the drill: the ping interval, and times that suit it. */
  get options(): NodeOptions {
    const { pingIntervalMs, options } = this.config;
    const repairIntervalMs = Math.max(200, Math.min(10_000, pingIntervalMs));
    const refreshIntervalMs = Math.max(1000, Math.min(60_000, pingIntervalMs * 5));
    return mergeOptions(
      {
        heartbeat: { pingIntervalMs },
        flood: { repairIntervalMs },
        registration: { refreshIntervalMs },
        registry: { syncIntervalMs: Math.max(200, Math.min(5000, pingIntervalMs)) },
        source: { waitsForCommand: true, messages: 0 },
      },
      options,
    );
  }

  /** A formed network of this drill's size; its cluster is in `clusterFolder`, so that processes can join it. */
  async network(extra: NodeOptions = {}): Promise<LocalNetwork> {
    const { peers, seeds, isPlaintext, say } = this.config;
    say(`starting ${seeds} seeds and ${peers} peers`);
    const network = await LocalNetwork.start({
      peers,
      seeds,
      isPlaintext,
      options: mergeOptions(this.options, extra),
      issue: isPlaintext ? undefined : await this.#issuer(),
    });
    this.onEnd(() => network.close());
    this.check("the network formed", network.isFormed);
    // A peer asks a majority of the seeds, the others hear of it from these: drills compare lists with what they were.
    const areComplete = () =>
      network.seeds.every(({ seed }) => network.peers.every(({ contact }) => seed!.registry.has(contact)));
    const listed = await this.until(areComplete, 15_000);
    this.check("every seed lists every peer", listed !== undefined);
    return network;
  }

  /** Issues on disk instead of in memory. */
  async #issuer() {
    await createCluster(this.clusterFolder, { seeds: [{ host: "127.0.0.1", port: 1 }], name: "drill" });
    return async (name: string) => loadNodeFolder(await addNode(this.clusterFolder, name));
  }

  get clusterFolder(): string {
    return join(this.folder, "cluster");
  }

  onEnd(ending: () => Promise<void> | void): void {
    this.#endings.unshift(ending);
  }

  check(claim: string, ok: boolean, detail?: string): void {
    this.checks.push({ claim, ok, detail });
    this.config.say(`${ok ? "ok" : "FAILED"}: ${claim}${detail === undefined ? "" : ` (${detail})`}`);
  }

  /** Waits for the condition; how long it took in milliseconds, or undefined if the limit came first. */
  async until(condition: () => boolean | Promise<boolean>, limitMs: number): Promise<number | undefined> {
    const start = Date.now();
    while (!(await condition())) {
      if (Date.now() - start > limitMs) return undefined;
      await sleep(20);
    }
    return Date.now() - start;
  }

  async end(): Promise<void> {
    for (const ending of this.#endings) await ending();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Every living peer says something; true when every living peer has heard all of it. */
export async function gossipReachesAll(
  stage: Stage,
  network: LocalNetwork,
  messages = 1,
): Promise<{ ratio: number; ms: number }> {
  const live = network.livePeers;
  const marks = new Set<string>();
  for (const peer of live)
    for (let i = 0; i < messages; i++) marks.add(`drill ${peer.name} ${i} ${Date.now()}`);
  let heard = 0;
  const stops = live.map((peer) =>
    peer.onNotice((_at, _layer, notice) => {
      if (notice.type === "delivered" && marks.has(notice["payload"] as string)) heard++;
    }),
  );
  const start = Date.now();
  let i = 0;
  for (const mark of marks) await live[Math.floor(i++ / messages)]!.publish(mark);
  const expected = marks.size * (live.length - 1);
  await stage.until(() => heard >= expected, 15_000);
  for (const stop of stops) stop();
  return { ratio: expected === 0 ? 1 : heard / expected, ms: Date.now() - start };
}

/** Watches the seeds' lists: when each of them removed whom, and why. */
export class RemovalWatch {
  readonly removals: { at: number; seed: string; peer: string; reason: string }[] = [];

  constructor(network: LocalNetwork) {
    for (const seed of network.seeds) this.add(seed);
  }

  add(seed: GrapevineNode): void {
    seed.onNotice((at, _layer, notice) => {
      if (notice.type !== "peer-removed") return;
      this.removals.push({
        at,
        seed: seed.name,
        peer: String(notice["peer"]),
        reason: notice["reason"] as string,
      });
    });
  }

  of(contact: string) {
    return this.removals.filter(({ peer }) => peer === contact);
  }
}
