/**
 * The broadcast workload of Maelstrom and of the Gossip Glomers challenges built on it (fly.io), in virtual time:
 * clients send broadcasts and reads to random nodes, links have a latency, partitions come and go; in the end every
 * node is read. What it counts are messages between servers for each operation, and how long values take.
 */
import {
  type Millis,
  Stack,
  seededRandom,
  type Tagged,
  trustEverybody,
  UsageError,
} from "../../core/index.ts";
import { Broadcast, type BroadcastNotice, type BroadcastOptions } from "../../dissemination/index.ts";
import { type Latency, Simulation } from "../../simulator/index.ts";
import { StaticLinks } from "./static-links.ts";
import { neighborsIn, type TopologyName } from "./topologies.ts";
import { TurnBatches } from "./turn-batches.ts";
import { ValueLedger, type ValueStatistics } from "./value-ledger.ts";

export interface GlomersConfig {
  readonly seed: number;
  readonly topology: TopologyName;
  readonly latency: Latency;
  /** Default 25. */
  readonly nodes?: number;
  /** Operations per second, half of them reads. Default 100. */
  readonly rate?: number;
  /** How long clients send operations. Default 20 s. */
  readonly limitMs?: Millis;
  /** How long a node gathers what it forwards (`forwardDelayMs`). Default 0: one turn. */
  readonly batchMs?: Millis;
  /** From the first `partitionMs` on, and then for every second stretch so long, half of the nodes are cut off. */
  readonly partitionMs?: Millis;
  readonly options?: Partial<BroadcastOptions>;
}

export interface GlomersResult extends ValueStatistics {
  /** Reads and broadcasts, as Maelstrom counts them, with the final reads. */
  readonly operations: number;
  /** Between servers, those that were cut off included; what a node sends to another in one instant is one. */
  readonly messages: number;
  readonly messagesPerOperation: number;
  readonly partitions: number;
}

/** After the last operation and the last healing: what Maelstrom waits too. */
const recoveryMs = 10_000;

/**
 * What was sent two seconds ago and is not there was lost: these links take less. Nothing is forgotten. Histories are
 * compared as often as in any network, and when a neighbor is back.
 */
const usual = { resendAfterMs: 2000, retainMessages: 100_000 };

/** Throws `UsageError` for what makes no sense. */
export function runGlomers(config: GlomersConfig): GlomersResult {
  const { seed, topology, latency, nodes = 25, rate = 100, limitMs = 20_000, batchMs = 0 } = config;
  if (!(rate > 0)) throw new UsageError(`rate: ${rate} is not above 0`);
  const { partitionMs = Number.POSITIVE_INFINITY } = config;
  const ledger = new ValueLedger(nodes);
  const simulation = new Simulation({
    seed,
    rows: nodes,
    links: { kind: "datagram", latency },
    onNotice: (row, { body: notice }: Tagged<BroadcastNotice>, at) => {
      if (notice.type === "published") ledger.acknowledged(notice.payload as string, row, at);
      else if (notice.type === "delivered") ledger.arrived(notice.payload as string, row, at);
    },
  });
  const options = { ...usual, forwardDelayMs: batchMs, ...config.options };
  neighborsIn(topology, nodes).forEach((neighbors, row) => {
    const links = new StaticLinks(neighbors);
    const broadcast = new Broadcast({
      view: links,
      standing: { incarnation: 1, since: 0 },
      signatures: trustEverybody,
      options,
    });
    simulation.host(row, new TurnBatches(new Stack({ links, broadcast })));
  });
  const partitions = schedulePartitions(simulation, { seed, limitMs, partitionMs });
  scheduleClients(simulation, ledger, { seed, rate, limitMs });
  simulation.run(limitMs + recoveryMs);
  for (let node = 0; node < nodes; node++) ledger.read(node, simulation.time);
  const { messages } = simulation.counters;
  const operations = ledger.values + ledger.reads;
  return {
    ...ledger.statistics(),
    operations,
    messages,
    messagesPerOperation: messages / operations,
    partitions,
  };
}

/** Operations of random kinds at random nodes, after pauses between none and twice the mean one. */
function scheduleClients(
  simulation: Simulation,
  ledger: ValueLedger,
  { seed, rate, limitMs }: { readonly seed: number; readonly rate: number; readonly limitMs: Millis },
): void {
  const random = seededRandom(seed);
  const pause = () => random.unit() * (2000 / rate);
  let value = 0;
  for (let time = pause(); time < limitMs; time += pause()) {
    const node = random.below(simulation.rows);
    const at = Math.floor(time);
    if (random.below(2) === 0) simulation.at(at, () => ledger.read(node, at));
    else simulation.command(node, publication(String(value++)), at);
  }
}

function publication(value: string): Tagged {
  const body = { type: "publish", payloads: [value] };
  return { layer: "broadcast", body };
}

/** Whole, parted, whole, parted …; healed at the end. Returns how many partitions there will be. */
function schedulePartitions(
  simulation: Simulation,
  {
    seed,
    limitMs,
    partitionMs,
  }: { readonly seed: number; readonly limitMs: Millis; readonly partitionMs: Millis },
): number {
  const random = seededRandom(seed + 1);
  const { connectivity } = simulation.links;
  let count = 0;
  for (let from = partitionMs; from < limitMs; from += 2 * partitionMs) {
    simulation.at(from, () => connectivity.partitionAtRandom(0.5, random));
    simulation.at(Math.min(from + partitionMs, limitMs), () => connectivity.heal());
    count++;
  }
  return count;
}
