import { describe, expect, test } from "vitest";
import { compareXor, type Key, keyOfName, randomKey, Stack, seededRandom } from "../core/index.ts";
import { type AskedLookup, LookupNetwork, type LookupNetworkConfig } from "../lab/lookup/lookup-network.ts";
import { staticKademlia } from "../lab/lookup/static-kademlia.ts";
import { Kademlia } from "./kademlia.ts";
import type { KademliaOptions } from "./kademlia-options.ts";

const kademliaOf = (network: LookupNetwork, row: number) => network.routerOf(row) as Kademlia;

function networkOf(
  rows: number,
  { options, ...changes }: Partial<LookupNetworkConfig> & { options?: Partial<KademliaOptions> } = {},
) {
  return new LookupNetwork({
    seed: 7,
    rows,
    links: { latency: { model: "uniform", fromMs: 1, toMs: 4 } },
    make: (place) => new Kademlia({ ...place, options }),
    ...changes,
  });
}

/** One after the other, each through somebody who is there. */
function joinAll(network: LookupNetwork, rows: number, everyMs = 50): void {
  const random = seededRandom(1);
  for (let row = 0; row < rows; row++) {
    network.start(row, row === 0 ? [] : [random.below(row)]);
    network.run(everyMs);
  }
}

function askAll(network: LookupNetwork, keys: readonly Key[], everyMs = 10): AskedLookup[] {
  const random = seededRandom(2);
  const asked = keys.map((key) => {
    const one = network.lookup(network.living.at(random.below(network.living.size)), key);
    network.run(everyMs);
    return one;
  });
  expect(network.finish()).toBe(true);
  return asked;
}

const keysOf = (name: string, count: number) =>
  Array.from({ length: count }, (_, i) => keyOfName(`${name} ${i}`));

/** Mean share of the truly nearest that were found. */
function recallOf(network: LookupNetwork, asked: readonly AskedLookup[], count: number): number {
  const shares = asked.map(({ key, report }) => {
    const found = new Set(report?.closest.map((one) => one.key));
    return network.trueClosest(key, count, compareXor).filter((one) => found.has(one.key)).length / count;
  });
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const durationsOf = (asked: readonly AskedLookup[]) =>
  asked.map(({ report }) => report!.endedAt - report!.startedAt).sort((a, b) => a - b);

describe("200 nodes that join one by one", () => {
  const network = networkOf(200);
  joinAll(network, 200);

  test("have all joined, and know their k nearest neighbors without a gap", () => {
    network.run(10_000);
    for (let row = 0; row < 200; row++) {
      const kademlia = kademliaOf(network, row);
      expect(kademlia.hasJoined).toBe(true);
      const truth = network.trueClosest(kademlia.self.key, 9, compareXor).slice(1);
      expect(new Set(kademlia.findClosestNodes(kademlia.self.key))).toEqual(new Set(truth));
    }
  });

  test("find the k nearest of any key, exactly, with 14 questions or less on average", () => {
    const asked = askAll(network, keysOf("calm", 200));
    expect(recallOf(network, asked, 8)).toBe(1);
    for (const { report } of asked) expect(report!.outcome).toBe("found");
    expect(mean(asked.map(({ report }) => report!.asked))).toBeLessThan(14);
  });

  test("half of them killed: lookups still end within half a second, and find nearly all of who lives", () => {
    for (let row = 0; row < 200; row += 2) network.crash(row);
    const asked = askAll(network, keysOf("killed", 100));
    expect(durationsOf(asked)[98]).toBeLessThan(500);
    expect(recallOf(network, asked, 8)).toBeGreaterThan(0.8);
  });

  test("and a few minutes later they find exactly who lives, in calm", () => {
    network.run(300_000);
    const asked = askAll(network, keysOf("later", 100));
    expect(recallOf(network, asked, 8)).toBe(1);
    expect(durationsOf(asked)[50]).toBeLessThan(100);
    // The dead are in nobody's neighborhood any more.
    for (let row = 1; row < 200; row += 2)
      for (const { node } of kademliaOf(network, row).replicas(network.keys.nodes[row]!.key, 8))
        expect(network.living.has(node as number)).toBe(true);
  });
});

test("nodes that all start at the same moment through one become one network", () => {
  const network = networkOf(100);
  network.start(0);
  for (let row = 1; row < 100; row++) network.start(row, [0]);
  network.run(60_000);
  expect(recallOf(network, askAll(network, keysOf("at once", 100)), 8)).toBe(1);
});

test("nodes that know nobody but a membership find each other", () => {
  const network = networkOf(60, { hasMembership: true });
  for (let row = 0; row < 60; row++) network.start(row);
  network.run(120_000);
  expect(recallOf(network, askAll(network, keysOf("membership", 100)), 8)).toBe(1);
});

test("a whole network that was killed comes back from its disks, without a bootstrap node", () => {
  const network = networkOf(60, { keepsDisks: true });
  joinAll(network, 60);
  network.run(130_000); // tables are written every minute
  for (let row = 0; row < 60; row++) network.crash(row);
  for (let row = 0; row < 60; row++) network.start(row);
  network.run(60_000);
  expect(recallOf(network, askAll(network, keysOf("restarted", 100)), 8)).toBe(1);
});

test("two halves that were cut apart for long, each believing the other gone, become one again", () => {
  const network = networkOf(60);
  joinAll(network, 60);
  const rows = Array.from({ length: 60 }, (_, row) => row);
  const { connectivity } = network.simulation.links;
  connectivity.partition([rows.slice(0, 30), rows.slice(30)]);
  network.run(1_800_000);
  const apart = askAll(network, keysOf("apart", 50));
  expect(recallOf(network, apart, 8)).toBeLessThan(0.7);
  connectivity.heal();
  network.run(600_000);
  expect(recallOf(network, askAll(network, keysOf("together", 100)), 8)).toBe(1);
});

test("two halves that were cut apart are one for lookups a few seconds after, though each suspects the other", () => {
  const network = networkOf(16, { options: { k: 5 } });
  joinAll(network, 16);
  network.run(30_000);
  const rows = Array.from({ length: 16 }, (_, row) => row);
  const { connectivity } = network.simulation.links;
  connectivity.partition([rows.slice(0, 8), rows.slice(8)]);
  askAll(network, keysOf("apart", 30));
  connectivity.heal();
  network.run(20_000);
  // Everybody looks each key up: whoever is suspected by any of them is the nearest to some.
  for (const key of keysOf("suspected", 8)) {
    const asked = rows.map((row) => network.lookup(row, key));
    expect(network.finish()).toBe(true);
    expect(recallOf(network, asked, 1)).toBe(1);
  }
});

test("an idle network asks little: less than one ping of each node in ten seconds", () => {
  const network = networkOf(100);
  joinAll(network, 100);
  network.run(600_000);
  const pings = () => network.sent.byType.get("ping")!.messages;
  const before = pings();
  network.run(300_000);
  expect((pings() - before) / 100 / 300).toBeLessThan(0.1);
  expect(recallOf(network, askAll(network, keysOf("idle", 100)), 8)).toBe(1);
});

test("on the wire they say the same: replies to FIND_NODE fit a datagram three times", () => {
  const network = networkOf(40, {
    isWireTrue: true,
    make: (place) => new Stack({ kademlia: new Kademlia(place) }),
  });
  joinAll(network, 40);
  network.run(5000);
  expect(recallOf(network, askAll(network, keysOf("wire", 50)), 8)).toBe(1);
  const { messages, bytes } = network.sent.byType.get("find-node-reply")!;
  expect(bytes / messages).toBeLessThan(400);
  expect(network.simulation.counters.malformed).toBe(0);
});

test("disjoint paths share no node, and find the same", () => {
  const k = 8;
  const network = networkOf(2000, {
    isSortedByRow: true,
    isLazy: true,
    tableOf: (row, keys) => staticKademlia(keys, { seed: 1, k })(row),
    options: { k, upkeepMs: 0, maxParked: 0, disjointPaths: 4 },
  });
  network.startAll();
  const random = seededRandom(4);
  const asked = askAll(
    network,
    Array.from({ length: 20 }, () => randomKey(random)),
  );
  expect(recallOf(network, asked, k)).toBe(1);
  for (const { report } of asked) {
    const nodes = report!.path.map(({ node }) => node);
    expect(new Set(nodes).size).toBe(nodes.length);
    expect(new Set(report!.path.map(({ branch }) => branch)).size).toBe(4);
  }
});

test("a table that is built is the same whenever it is built, and has k contacts of each subtree or all", () => {
  const network = networkOf(500, { isSortedByRow: true });
  const build = staticKademlia(network.keys, { seed: 3, k: 8 });
  for (const row of [0, 77, 499]) {
    const { buckets } = build(row);
    expect(build(row)).toEqual({ type: "built-kademlia-table", buckets });
    const kademlia = new Kademlia({
      self: network.keys.nodes[row]!,
      keyedNode: network.keys.keyedNode,
      bootstrap: [],
      restored: { type: "built-kademlia-table", buckets },
      options: { upkeepMs: 0 },
    });
    network.simulation.host(row, kademlia);
    buckets.forEach((bucket, bits) => {
      const subtree = network.keys.nodes.filter(
        ({ key }) => key !== kademlia.self.key && kademlia.table.bucketOf(key) === bits,
      );
      expect(bucket).toHaveLength(Math.min(8, subtree.length));
      for (const contact of bucket) expect(subtree).toContain(contact);
    });
  }
});
