import { describe, expect, test } from "vitest";
import {
  type Environment,
  type Key,
  type KeyedNode,
  keyOfName,
  type LookupOptions,
  type LookupReport,
  type NodeId,
  type RoutingProtocol,
  randomKey,
  seededRandom,
} from "../core/index.ts";
import { LookupNetwork, type LookupNetworkConfig, type Place } from "../lab/lookup/lookup-network.ts";
import { Chord } from "../lookup/chord.ts";
import { Kademlia } from "../lookup/kademlia.ts";
import type { KademliaMessage } from "../lookup/kademlia-messages.ts";
import { Pastry } from "../lookup/pastry.ts";
import {
  type DiagnosedRouter,
  type DoctorInput,
  diagnose,
  type FindingCode,
  LookupStatistics,
} from "./doctor.ts";

const asker = 2;

interface World {
  readonly rows: number;
  readonly make?: (place: Place) => RoutingProtocol;
  readonly router?: DiagnosedRouter;
  /** Default: a minute. */
  readonly settledMs?: number;
  readonly links?: LookupNetworkConfig["links"];
}

/** A network that has been joined, node by node, by the protocol's own means. */
function networkOf({
  rows,
  make = (place) => new Kademlia(place),
  links,
  settledMs = 60_000,
}: World): LookupNetwork {
  const latency = { model: "uniform", fromMs: 5, toMs: 40 } as const;
  const network = new LookupNetwork({
    seed: 1,
    rows,
    links: { latency, ...links },
    hasMembership: true,
    make,
  });
  for (let row = 0; row < rows; row++) {
    network.start(row, row === 0 ? [] : [0, row >> 1]);
    if (row % 10 === 0) network.run(100);
  }
  network.run(settledMs);
  return network;
}

function lookUp(
  network: LookupNetwork,
  lookups: number,
  options: LookupOptions = {},
  router: DiagnosedRouter = "kademlia",
): LookupStatistics {
  const random = seededRandom(5);
  const statistics = new LookupStatistics({ router, self: network.keys.nodes[asker]!.key });
  for (let i = 0; i < lookups; i++) {
    network.lookup(asker, randomKey(random), options, ({ report }) => statistics.add(report!));
    network.run(500);
  }
  network.finish();
  return statistics;
}

function inputOf(network: LookupNetwork, statistics: LookupStatistics): DoctorInput {
  const { hasJoined, size } = network.routerOf(asker)!;
  return { statistics, router: statistics.router, hasJoined, tableSize: size };
}

function codesOf(input: DoctorInput): FindingCode[] {
  return diagnose(input).findings.map(({ code }) => code);
}

function afterLookups(world: World, lookups = 60, options: LookupOptions = {}): DoctorInput {
  const network = networkOf(world);
  return inputOf(network, lookUp(network, lookups, options, world.router));
}

/** Says less than it knows. */
class Curt extends Kademlia {
  override findClosestNodes(key: Key, except?: Key): KeyedNode[] {
    return super.findClosestNodes(key, except).slice(0, 2);
  }
}

/** Answers everybody three times in a minute, and is deaf then. */
class Limited extends Kademlia {
  readonly #asked = new Map<NodeId, number[]>();

  override onMessage(from: NodeId, message: KademliaMessage, env: Environment<any, any, any>): void {
    const isQuestion = message.type === "find-node" && from === asker;
    if (isQuestion) {
      const asked = (this.#asked.get(from) ?? []).filter((at) => env.now - at < 60_000);
      this.#asked.set(from, [...asked, env.now]);
      if (asked.length >= 3) return;
    }
    super.onMessage(from, message, env);
  }
}

describe("a healthy network gets a clean bill", () => {
  test.each([3, 12, 40, 200])("of %i nodes", (rows) => {
    const input = afterLookups({ rows });
    const report = diagnose({ ...input, members: rows, eventLoopLagMs: 12 });
    expect(report.findings).toEqual([]);
    expect(report.isHealthy).toBe(true);
    const { estimate, standardError } = report.nodes!;
    expect(Math.abs(estimate - rows)).toBeLessThan(3 * standardError + 1);
    expect(report.measures.map(({ name }) => name)).toContain("hops");
    for (const { isOff } of report.measures) expect(isOff).toBe(false);
  });

  test.each([5, 30, 120])("of %i nodes of Chord", (rows) => {
    const input = afterLookups({
      rows,
      router: "chord",
      make: (place) => new Chord(place),
      settledMs: 600_000,
    });
    expect(diagnose({ ...input, members: rows }).findings).toEqual([]);
  });

  test.each([5, 30, 120])("of %i nodes of Pastry", (rows) => {
    const input = afterLookups({ rows, router: "pastry", make: (place) => new Pastry(place) });
    expect(diagnose({ ...input, members: rows }).findings).toEqual([]);
  });

  test("with one message in a hundred lost, too", () => {
    expect(codesOf(afterLookups({ rows: 120, links: { loss: 0.01 } }))).toEqual([]);
  });
});

describe("a fault is named:", () => {
  test("messages are lost", () => {
    const codes = codesOf(afterLookups({ rows: 60, links: { loss: 0.25 } }, 120));
    expect(codes).toContain("loss");
    expect(codes).not.toContain("contacts-gone");
    expect(codes).not.toContain("rate-limited");
  });

  test("contacts are gone", () => {
    const network = networkOf({ rows: 150 });
    for (let row = 0; row < 150; row++) if (row % 2 === 1) network.crash(row);
    const codes = codesOf(inputOf(network, lookUp(network, 40)));
    expect(["contacts-gone", "peers-silent"]).toContain(codes[0]);
    expect(codes).not.toContain("loss");
    expect(codes).not.toContain("rate-limited");
  });

  test("peers block whoever asks often", () => {
    const codes = codesOf(afterLookups({ rows: 60, make: (place) => new Limited(place) }, 120));
    expect(codes).toContain("rate-limited");
  });

  test("answers are short", () => {
    const make = (place: Place) => (place.row === asker ? new Kademlia(place) : new Curt(place));
    expect(codesOf(afterLookups({ rows: 200, make }))).toContain("replies-short");
  });

  test("the table is sparse, for a limit on hosts where all are on one", () => {
    const make = (place: Place) => {
      const options = place.row === asker ? { maxPerHost: 6 } : {};
      return new Kademlia({ ...place, options, hostOf: () => "127.0.0.1" });
    };
    const report = diagnose(afterLookups({ rows: 200, make }));
    expect(report.findings[0]!.code).toBe("table-sparse");
    expect(report.findings[0]!.text).toMatch(
      /^The routing table has 6 nodes; in a network of \d+ it should be 4\d/,
    );
    expect(report.isHealthy).toBe(false);
  });

  test("nobody answers any more", () => {
    const network = networkOf({ rows: 40 });
    const before = lookUp(network, 30);
    for (let row = 0; row < 40; row++) if (row !== asker) network.crash(row);
    for (let i = 0; i < 4; i++) {
      network.lookup(asker, keyOfName(`lost ${i}`), {}, ({ report }) => before.add(report!));
      network.finish();
    }
    const { findings } = diagnose(inputOf(network, before));
    expect(findings[0]!.code).toBe("unreachable");
    expect(findings[0]!.text).toContain("though those before did");
  });

  test("lookups are cut short", () => {
    expect(codesOf(afterLookups({ rows: 200 }, 40, { deadlineMs: 60 }))).toContain("cut-short");
  });

  test("this process pauses, and by how much is too much", () => {
    const input = afterLookups({ rows: 12 });
    expect(codesOf({ ...input, eventLoopLagMs: 180 })).toEqual(["event-loop-lag"]);
    expect(codesOf({ ...input, eventLoopLagMs: 180, minTimeoutMs: 200 })).toEqual([]);
  });

  test("the membership knows many more than lookups see", () => {
    const input = afterLookups({ rows: 60 });
    expect(codesOf({ ...input, members: 60 })).toEqual([]);
    expect(codesOf({ ...input, members: 400 })).toEqual(["members-missing"]);
  });

  test("it has not joined, or its table is empty", () => {
    const statistics = new LookupStatistics({ router: "chord", self: keyOfName("self") });
    const input = { statistics, router: "chord", hasJoined: false, tableSize: 0 } as const;
    expect(codesOf(input)).toEqual(["not-joined"]);
    expect(codesOf({ ...input, hasJoined: true })).toEqual(["not-joined"]);
    expect(diagnose(input).nodes).toBeUndefined();
  });
});

// ---- Reports that no simulated network makes -----------------------------------------------------------------------

const self = keyOfName("self");
const others = Array.from({ length: 30 }, (_, i) => keyOfName(`other ${i}`));

function reportOf(i: number, overrides: Partial<LookupReport> = {}): LookupReport {
  const key = keyOfName(`key ${i}`);
  const closest = others.slice(0, 8).map((other) => ({ node: other, key: other }));
  const step = { referrer: -1, depth: 1, branch: 0, sentAt: 0, answeredAt: 5, learned: 1 };
  const path = closest.map((contact) => ({ ...contact, ...step, outcome: "answered" as const }));
  return {
    ...{ key, outcome: "found", closest, path, hops: 1, asked: 8, answered: 8, silent: 0, refused: 0 },
    ...{ startedAt: 0, endedAt: 10, records: [], without: [] },
    ...overrides,
  };
}

function codesAfter(reports: readonly LookupReport[]): FindingCode[] {
  const statistics = new LookupStatistics({ router: "kademlia", self });
  for (const report of reports) statistics.add(report);
  return codesOf({ statistics, router: "kademlia", hasJoined: true, tableSize: 30 });
}

describe("also named are", () => {
  const indices = Array.from({ length: 40 }, (_, i) => i);

  test("peers that refuse", () => {
    expect(codesAfter(indices.map((i) => reportOf(i, { refused: 2, answered: 6 })))).toContain(
      "peers-refuse",
    );
    expect(codesAfter(indices.map((i) => reportOf(i)))).not.toContain("peers-refuse");
  });

  test("answers that come late", () => {
    const late = indices.map((i) => {
      const report = reportOf(i);
      return { ...report, path: report.path.map((step) => ({ ...step, outcome: "late" as const })) };
    });
    expect(codesAfter(late)).toContain("late-answers");
  });

  test("a clock that was set back", () => {
    expect(codesAfter([...indices.map((i) => reportOf(i)), reportOf(99, { endedAt: -500 })])).toContain(
      "clock",
    );
  });

  test("results that miss nodes which are there", () => {
    // Whichever key is asked for, the first eight are named; yet in other lookups others have answered.
    const paths = indices.map((i) => {
      const report = reportOf(i);
      const node = others[i % others.length]!;
      return { ...report, path: [...report.path, { ...report.path[0]!, node, key: node }] };
    });
    expect(codesAfter(paths)).toContain("recall-low");
  });

  test("too few lookups to tell, which is no fault", () => {
    const statistics = new LookupStatistics({ router: "kademlia", self });
    for (const i of [1, 2, 3]) statistics.add(reportOf(i));
    const report = diagnose({ statistics, router: "kademlia", hasJoined: true, tableSize: 30 });
    expect(report.findings.map(({ code, severity }) => [code, severity])).toEqual([["few-lookups", "note"]]);
    expect(report.isHealthy).toBe(true);
  });
});

describe("statistics of lookups", () => {
  test("remember the last ones only, in their order", () => {
    const statistics = new LookupStatistics({ router: "kademlia", self, capacity: 3 });
    for (let i = 0; i < 5; i++) statistics.add(reportOf(i, { hops: i }));
    expect(statistics.size).toBe(3);
    expect(statistics.summary().hops.min).toBe(2);
    statistics.add(reportOf(9, { answered: 0, silent: 8 }));
    expect(statistics.summary().unansweredInARow).toBe(1);
    statistics.clear();
    expect(statistics.summary().lookups).toBe(0);
    expect(() => new LookupStatistics({ router: "kademlia", self, capacity: 0 })).toThrow(
      "capacity: 0 is not an integer of at least 1",
    );
  });

  test("keep a bounded part of the longest path", () => {
    const statistics = new LookupStatistics({ router: "kademlia", self });
    const [step] = reportOf(1).path;
    const path = Array.from({ length: 100_000 }, (_, i) => ({ ...step!, key: keyOfName(`${i % 1000}`) }));
    statistics.add(reportOf(1, { path, asked: 100_000, answered: 100_000 }));
    expect(statistics.summary().distinctNodes).toBeLessThanOrEqual(128);
  });

  test("leave out lookups that asked nobody", () => {
    const statistics = new LookupStatistics({ router: "pastry", self });
    statistics.add(reportOf(1, { asked: 0, answered: 0, outcome: "alone", path: [] }));
    expect(statistics.size).toBe(0);
  });
});
