import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { LayerTraffic } from "./layer-traffic.ts";
import { LookupCounts } from "./lookup-counts.ts";
import { Metrics, nodeMetrics } from "./metrics.ts";
import type { GrapevineNode } from "./node.ts";

const linkCounters = {
  framesSent: 0,
  framesReceived: 0,
  bytesSent: 0,
  bytesReceived: 0,
  writes: 0,
  dials: 0,
  dialFailures: 0,
  accepted: 0,
  messagesDropped: 0,
};

function fakeLinks() {
  return {
    counters: { ...linkCounters },
    traffic: new LayerTraffic(),
    drops: {} as Record<string, number>,
    linkCount: 3,
    strangerCount: 1,
    queuedBytes: 77,
  };
}

/** What `Metrics` reads of a node, and nothing else. */
function fakePeer(name: string) {
  return {
    name,
    role: "peer",
    isRunning: true,
    links: fakeLinks(),
    seed: undefined,
    lookupCounts: new LookupCounts(),
    peer: {
      members: { size: 19 },
      introducers: ["@a:1", "@b:2"],
      view: { neighbors: ["x", "y"] },
      classic: {
        registration: {
          counters: { registrations: 2, seedTimeouts: 1, reportsSent: 3, refutations: 0, unasked: 4 },
        },
        overlay: { counters: { unasked: 0 } },
        heartbeat: { counters: { pings: 10, misses: 2, suspicions: 1, cleared: 0, unasked: 0 } },
      },
      broadcast: {
        counters: {
          published: 5,
          delivered: 40,
          duplicates: 50,
          sends: 90,
          repairs: 0,
          forged: 0,
          calls: 11,
          offers: 12,
          offersKnown: 7,
          refusedCalls: 1,
          unexpected: 2,
        },
        retainedCount: 45,
        hotCount: 3,
      },
      state: {
        size: 6,
        map: { size: 8, dormant: 1, counters: { newer: 9, forged: 1 } },
        exchangeCounters: { contacts: 30, reconciliations: 2, bytesSent: 4000, malformed: 1, unsolicited: 2 },
        counters: { strangers: 3, newsSent: 17 },
      },
    },
  };
}

function fakeSeed(name: string) {
  const counters = {
    registrations: 20,
    removals: 2,
    refusedUnreachable: 1,
    refusedInvalid: 0,
    refusedFull: 0,
    forgedReports: 5,
    strangersReports: 6,
    unasked: 0,
  };
  return {
    name,
    role: "seed",
    isRunning: true,
    links: fakeLinks(),
    lookupCounts: new LookupCounts(),
    peer: undefined,
    seed: { registry: { counters }, list: { length: 18 } },
  };
}

let metrics: Metrics;
afterEach(() => metrics.close());

function start(...nodes: unknown[]): Metrics {
  metrics = new Metrics({ nodes: () => nodes as GrapevineNode[], hasProcessMetrics: false });
  return metrics;
}

/** The samples of one metric: labels and value. */
async function samples(name: string): Promise<string[]> {
  const lines = (await metrics.text()).split("\n");
  return lines
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .map((line) => line.slice(name.length));
}

describe("the metrics of many nodes", () => {
  test("are read from the protocols' counters at every scrape", async () => {
    const peer = fakePeer("peer-1");
    start(peer, fakePeer("peer-2"), fakeSeed("seed-1"));
    expect(await samples("grapevine_deliveries_total")).toEqual(['{node="peer-1"} 40', '{node="peer-2"} 40']);
    peer.peer.broadcast.counters.delivered = 41;
    expect(await samples("grapevine_deliveries_total")).toEqual(['{node="peer-1"} 41', '{node="peer-2"} 40']);
  });

  test("a seed's list and a peer's knowledge are known peers", async () => {
    start(fakePeer("peer-1"), fakeSeed("seed-1"));
    expect(await samples("grapevine_known_peers")).toEqual(['{node="peer-1"} 19', '{node="seed-1"} 18']);
    expect(await samples("grapevine_registrations_total")).toEqual([
      '{node="peer-1"} 2',
      '{node="seed-1"} 20',
    ]);
    expect(await samples("grapevine_dead_reports_total")).toEqual([
      '{node="peer-1",kind="sent"} 3',
      '{node="seed-1",kind="forged"} 5',
      '{node="seed-1",kind="stranger"} 6',
    ]);
  });

  test("of gossip in rounds: calls, what was offered and known, what is hot, and what nobody asked for", async () => {
    start(fakePeer("peer-1"), fakeSeed("seed-1"));
    for (const [name, value] of [
      ["calls_total", 11],
      ["calls_refused_total", 1],
      ["offers_total", 12],
      ["offers_known_total", 7],
      ["hot_messages", 3],
    ] as const)
      expect(await samples(`grapevine_${name}`), name).toEqual([`{node="peer-1"} ${value}`]);
    expect(await samples("grapevine_unasked_total")).toContain('{node="peer-1",layer="broadcast"} 2');
  });

  test("of the shared state: keys, what came, and what was dropped", async () => {
    start(fakePeer("peer-1"));
    expect(await samples("grapevine_state_keys")).toEqual([
      '{node="peer-1",kind="value"} 6',
      '{node="peer-1",kind="deleted"} 2',
      '{node="peer-1",kind="dormant"} 1',
    ]);
    expect(await samples("grapevine_state_merges_total")).toEqual([
      '{node="peer-1",outcome="newer"} 9',
      '{node="peer-1",outcome="forged"} 1',
    ]);
    expect(await samples("grapevine_state_dropped_total")).toEqual([
      '{node="peer-1",reason="malformed"} 1',
      '{node="peer-1",reason="unsolicited"} 2',
      '{node="peer-1",reason="stranger"} 3',
    ]);
    expect(await samples("grapevine_state_bytes_sent_total")).toEqual(['{node="peer-1"} 4000']);
  });

  test("redundancy is copies for each needed one, minus 1, and absent before the first delivery", async () => {
    const fresh = fakePeer("peer-2");
    fresh.peer.broadcast.counters.delivered = 0;
    start(fakePeer("peer-1"), fresh);
    expect(await samples("grapevine_relative_message_redundancy")).toEqual(['{node="peer-1"} 1.25']);
  });

  test("drops have their reasons as labels", async () => {
    const peer = fakePeer("peer-1");
    peer.links.drops["no-hello"] = 2;
    peer.links.drops["slow-reader"] = 1;
    start(peer);
    expect(await samples("grapevine_drops_total")).toEqual([
      '{node="peer-1",reason="no-hello"} 2',
      '{node="peer-1",reason="slow-reader"} 1',
    ]);
  });

  test("what was sent is told by layer, over links and datagrams together", async () => {
    const peer = {
      ...fakePeer("peer-1"),
      datagrams: { traffic: new LayerTraffic(), counters: {}, drops: {} },
    };
    peer.links.traffic.count("broadcast", 100);
    peer.links.traffic.count("broadcast", 20);
    peer.links.traffic.count("store", 5);
    peer.datagrams.traffic.count("store", 3);
    start(peer);
    expect(await samples("grapevine_layer_messages_sent_total")).toEqual([
      '{node="peer-1",layer="broadcast"} 2',
      '{node="peer-1",layer="store"} 2',
    ]);
    expect(await samples("grapevine_layer_bytes_sent_total")).toEqual([
      '{node="peer-1",layer="broadcast"} 120',
      '{node="peer-1",layer="store"} 8',
    ]);
  });

  test("a stopped node keeps its counters and loses its neighbors; one that is gone is gone", async () => {
    const peer = fakePeer("peer-1");
    const nodes: unknown[] = [peer];
    metrics = new Metrics({ nodes: () => nodes as GrapevineNode[], hasProcessMetrics: false });
    peer.isRunning = false;
    expect(await samples("grapevine_up")).toEqual(['{node="peer-1",role="peer"} 0']);
    expect(await samples("grapevine_published_total")).toEqual(['{node="peer-1"} 5']);
    expect(await samples("grapevine_neighbors")).toEqual([]);
    nodes.length = 0;
    expect(await samples("grapevine_published_total")).toEqual([]);
  });
});

describe("latency", () => {
  test("is from publication to first receipt; a clock that is ahead counts as 0; other notices do not count", async () => {
    const peer = fakePeer("peer-1") as unknown as GrapevineNode;
    start(peer);
    metrics.onNotice(1500, "broadcast", { type: "delivered", at: 1000 } as never, peer);
    metrics.onNotice(1500, "broadcast", { type: "delivered", at: 9000 } as never, peer);
    metrics.onNotice(1500, "broadcast", { type: "delivered", at: Number.NaN } as never, peer);
    metrics.onNotice(1500, "broadcast", { type: "published", at: 1000 } as never, peer);
    expect(await samples("grapevine_delivery_latency_seconds_count")).toEqual(['{node="peer-1"} 2']);
    expect(await samples("grapevine_delivery_latency_seconds_sum")).toEqual(['{node="peer-1"} 0.5']);
    const buckets = await samples("grapevine_delivery_latency_seconds_bucket");
    expect(buckets).toContain('{le="0.001",node="peer-1"} 1');
    expect(buckets).toContain('{le="0.5",node="peer-1"} 2');
  });
});

describe("lookup and store", () => {
  const report = (more: object) => ({
    answered: 3,
    silent: 1,
    refused: 0,
    hops: 2,
    startedAt: 1000,
    ...more,
  });

  test("endings are counted by who asked and how they ended, questions by how they ended", async () => {
    const peer = fakePeer("peer-1");
    start(peer, fakeSeed("seed-1"));
    const { lookupCounts } = peer;
    for (const asker of ["user", "user", "router"])
      lookupCounts.onNotice({ type: "lookup-ended", asker, report: report({ outcome: "found" }) });
    lookupCounts.onNotice({ type: "lookup-ended", asker: "user", report: report({ outcome: "deadline" }) });
    lookupCounts.onNotice({ type: "store-ended", operation: "put", outcome: "stored" });
    lookupCounts.onNotice({ type: "store-left" });
    expect(await samples("grapevine_lookups_total")).toEqual([
      '{node="peer-1",asker="user",outcome="found"} 2',
      '{node="peer-1",asker="router",outcome="found"} 1',
      '{node="peer-1",asker="user",outcome="deadline"} 1',
    ]);
    expect(await samples("grapevine_store_operations_total")).toEqual([
      '{node="peer-1",operation="put",outcome="stored"} 1',
    ]);
    expect(await samples("grapevine_lookup_questions_total"), "of nodes with a router alone").toEqual([]);
  });

  test("take the time that their reports say, but for the router's own; hops are of those that found", async () => {
    const peer = fakePeer("peer-1") as unknown as GrapevineNode;
    start(peer);
    const end = (asker: string, more: object) =>
      metrics.onNotice(9, "chord", { type: "lookup-ended", asker, report: report(more) } as never, peer);
    end("user", { outcome: "found", endedAt: 1500 });
    end("store", { outcome: "deadline", endedAt: 11_000 });
    end("user", { outcome: "found", endedAt: 900 });
    end("router", { outcome: "found", endedAt: 1500 });
    const ended = { type: "store-ended", operation: "get", startedAt: 1000, endedAt: 1250 };
    metrics.onNotice(9, "store", ended as never, peer);
    expect(await samples("grapevine_lookup_latency_seconds_count")).toEqual(['{node="peer-1"} 3']);
    expect(await samples("grapevine_lookup_latency_seconds_sum")).toEqual(['{node="peer-1"} 10.5']);
    expect(await samples("grapevine_lookup_hops_count")).toEqual(['{node="peer-1"} 2']);
    expect(await samples("grapevine_store_latency_seconds_sum")).toEqual([
      '{node="peer-1",operation="get"} 0.25',
    ]);
  });

  test("records, table and datagrams are those of the moment, and gone with the node", async () => {
    const replica = { full: 2, forged: 1 };
    const store = {
      ...{ size: 5, bytes: 4000, published: 2, table: { cached: 3 } },
      counters: { upkeep: { handedOver: 7 }, replica },
    };
    const peer = {
      ...fakePeer("peer-1"),
      router: { size: 12, hasJoined: false },
      datagrams: {
        sessionCount: 4,
        traffic: new LayerTraffic(),
        counters: { datagramsSent: 9, datagramsReceived: 8, greetings: 3, greetingFailures: 1, accepted: 2 },
        drops: { "bad-seal": 6 },
      },
    };
    Object.assign(peer.peer, { routing: { store } });
    start(peer);
    expect(await samples("grapevine_store_records")).toEqual([
      '{node="peer-1",kind="replica"} 5',
      '{node="peer-1",kind="cached"} 3',
      '{node="peer-1",kind="published"} 2',
    ]);
    expect(await samples("grapevine_store_handed_over_total")).toEqual(['{node="peer-1"} 7']);
    expect(await samples("grapevine_store_refused_total")).toEqual([
      '{node="peer-1",reason="forged"} 1',
      '{node="peer-1",reason="full"} 2',
    ]);
    expect(await samples("grapevine_routing_joined")).toEqual(['{node="peer-1"} 0']);
    expect(await samples("grapevine_datagrams_total")).toEqual([
      '{node="peer-1",direction="sent"} 9',
      '{node="peer-1",direction="received"} 8',
    ]);
    expect(await samples("grapevine_datagram_drops_total")).toEqual(['{node="peer-1",reason="bad-seal"} 6']);
    peer.isRunning = false;
    for (const name of ["store_records", "store_bytes", "routing_table_nodes", "datagram_sessions"])
      expect(await samples(`grapevine_${name}`), name).toEqual([]);
    expect(await samples("grapevine_datagrams_total")).toHaveLength(2);
  });
});

describe("the process", () => {
  test("shows how late its event loop is, without the tick of the monitor", async () => {
    start();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const until = performance.now() + 120;
    while (performance.now() < until) {
      // Nothing else runs meanwhile.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    const [median, , , max] = (await samples("grapevine_event_loop_delay_seconds")).map((line) =>
      Number(line.split(" ")[1]),
    );
    expect(max).toBeGreaterThan(0.08);
    expect(median).toBeLessThan(0.05);
  });

  test("has the usual metrics of a Node process", async () => {
    metrics = new Metrics({ nodes: () => [] });
    expect(await metrics.text()).toContain("process_resident_memory_bytes");
    expect(metrics.contentType).toContain("text/plain");
  });
});

describe("of the modern membership", () => {
  const swim = {
    members: ["alive", "alive", "suspect", "failed"].map((state) => ({ state })),
    localHealth: 2,
    counters: {
      probes: 30,
      probeFailures: 4,
      suspicions: 3,
      refutations: 1,
      failures: 2,
      stalls: 5,
      newsDropped: 6,
      unasked: 7,
    },
  };

  test("probes are pings, and members are counted by what is thought of them", async () => {
    const { classic: _, ...peer } = fakePeer("peer-1").peer;
    const modern = { swim, hyparview: { counters: { unasked: 8 } } };
    start({ ...fakePeer("peer-1"), peer: { ...peer, modern } });
    expect(await samples("grapevine_pings_total")).toEqual(['{node="peer-1"} 30']);
    expect(await samples("grapevine_ping_misses_total")).toEqual(['{node="peer-1"} 4']);
    expect(await samples("grapevine_members")).toEqual([
      '{node="peer-1",state="alive"} 2',
      '{node="peer-1",state="suspect"} 1',
      '{node="peer-1",state="failed"} 1',
      '{node="peer-1",state="left"} 0',
    ]);
    expect(await samples("grapevine_local_health")).toEqual(['{node="peer-1"} 2']);
    expect(await samples("grapevine_stalls_total")).toEqual(['{node="peer-1"} 5']);
    expect(await samples("grapevine_unasked_total")).toContain('{node="peer-1",layer="hyparview"} 8');
  });

  test("a seed has it too", async () => {
    start({ ...fakeSeed("seed-1"), seed: { swim, list: { length: 2 } } });
    expect(await samples("grapevine_removals_total")).toEqual(['{node="seed-1"} 2']);
    expect(await samples("grapevine_member_failures_total")).toEqual(['{node="seed-1"} 2']);
  });
});

describe("docs/metrics.md", () => {
  const documented = readFileSync(join(import.meta.dirname, "..", "..", "docs", "metrics.md"), "utf8").split(
    "\n",
  );

  test.each(nodeMetrics)("has the row of $name", ({ name, type, label, help }) => {
    start();
    expect(documented).toContain(
      `| \`${name}\` | ${type} | ${[label ?? []]
        .flat()
        .map((one) => `\`${one}\``)
        .join(", ")} | ${help} |`,
    );
  });

  test("names no metric that does not exist", async () => {
    start(fakePeer("peer-1"));
    const text = await metrics.text();
    for (const [, name] of documented.join("\n").matchAll(/^\| `(grapevine_\w+)`/gm))
      expect(text).toContain(`# TYPE ${name} `);
  });
});
