import { describe, expect, test } from "vitest";
import { SwimWorld, type SwimWorldConfig } from "../../test/support/swim-world.ts";
import type { NodeId } from "../core/index.ts";
import { swimOptions } from "./swim-options.ts";

const { probeIntervalMs, suspicionMult, gossipIntervalMs, maxReconnectMs } = swimOptions();

/** A prober comes within a period, asks for a period, and others confirm it while the shortest suspicion runs. */
function crashBoundMs(nodes: number): number {
  const shortest = suspicionMult * probeIntervalMs * Math.max(1, Math.log10(nodes));
  return 1.1 * probeIntervalMs + probeIntervalMs + shortest;
}

describe("a crash", () => {
  test.each([2, 3, 5, 10, 30])("of one of %i is noticed by the first within a bound, and by all", (nodes) => {
    for (const seed of [1, 2, 3]) {
      const world = new SwimWorld({ nodes, seed }).pass(12_000 + 170 * seed);
      world.untilAllKnowAll(30_000);
      const crashedAt = world.simulation.time;
      world.simulation.crash(nodes - 1);
      world.pass(2 * crashBoundMs(nodes));
      const failed = world.of("member-failed");
      expect(failed.map(({ row }) => row).sort((a, b) => a - b)).toEqual(
        Array.from({ length: nodes - 1 }, (_, row) => row),
      );
      expect(failed.every(({ peer }) => peer === nodes - 1)).toBe(true);
      const first = Math.min(...failed.map(({ at }) => at)) - crashedAt;
      expect(first).toBeLessThanOrEqual(crashBoundMs(nodes));
      expect(world.swims[0]!.stateOf(nodes - 1)).toBe("failed");
    }
  });

  test("is noticed sooner by who is told that a connection broke", () => {
    const world = new SwimWorld({ nodes: 5 }).pass(10_020);
    world.simulation.crash(4);
    for (let row = 0; row < 4; row++) world.simulation.command(row, { type: "unreachable", node: 4 });
    world.pass(probeIntervalMs + suspicionMult * probeIntervalMs + 50);
    expect(world.of("member-failed", 4)).toHaveLength(4);
  });

  test("is noticed by one whose clock is put back while it doubts", () => {
    const world = new SwimWorld({ nodes: 5 }).pass(10_000);
    world.simulation.crash(4);
    while (world.of("member-suspected", 4).length < 4) world.pass(50);
    expect(world.of("member-failed", 4)).toEqual([]);
    world.simulation.setClock(0, 0, -20_000);
    world.pass(30_000);
    expect(world.of("member-failed", 4)).toHaveLength(4);
  });

  test("of half of the members is noticed by the other half", () => {
    const world = new SwimWorld({ nodes: 20 }).pass(10_000);
    for (let row = 10; row < 20; row++) world.simulation.crash(row);
    world.pass(30_000);
    for (const { size } of world.swims.slice(0, 10)) expect(size).toBe(9);
    expect(world.of("member-failed").filter(({ peer }) => (peer as number) < 10)).toEqual([]);
  });

  test("of the one at whom all joined does not keep a newcomer out", () => {
    const world = new SwimWorld({
      nodes: 5,
      config: (row) => ({ introducers: row === 0 ? [] : [0, 1].filter((other) => other !== row) }),
    }).pass(5000);
    world.simulation.crash(0);
    world.simulation.crash(4);
    world.pass(5000).begin(4, 2);
    world.pass(2000);
    expect(world.swims[4]!.isJoined).toBe(true);
    expect(world.swims[4]!.size).toBe(3);
  });
});

describe("nobody who lives is given up", () => {
  test.each([0, 0.2, 0.4])("in ten minutes at a loss of %d", (loss) => {
    const world = new SwimWorld({ nodes: 20, seed: 2, links: { loss } }).pass(600_000);
    expect(world.sum("probes")).toBeGreaterThan(6000);
    // It was not for lack of doubts.
    if (loss > 0) expect(world.sum("suspicions")).toBeGreaterThan(500);
    else expect(world.sum("suspicions")).toBe(0);
    expect(world.of("member-failed")).toEqual([]);
    for (const { size } of world.swims) expect(size).toBe(19);
  });

  test("for what a paused node missed: it is given up, comes back by itself, and blames nobody", () => {
    const world = new SwimWorld({ nodes: 10 }).pass(10_000);
    world.simulation.pause(3);
    world.pass(8000);
    expect(world.of("member-failed", 3)).toHaveLength(9);
    world.simulation.resume(3);
    world.told = [];
    world.pass(1000);
    expect(world.of("member-up", 3)).toHaveLength(9);
    expect(world.told.filter(({ row, type }) => row === 3 && /suspected|failed/.test(type))).toEqual([]);
    expect(world.swims[3]!.counters.stalls).toBe(1);
    expect(world.of("local-health")[0]).toMatchObject({ row: 3, score: 1 });
  });

  test("by liars: forged doubts are refuted as often as they come, though four sign them", () => {
    const world = new SwimWorld({ nodes: 12 }).pass(5000);
    const victim = 11;
    const accuse = () => {
      const { incarnation } = world.swims[victim]!;
      for (const accuser of [1, 2, 3, 4]) {
        const statement = {
          type: "suspicion",
          suspect: victim,
          incarnation,
          accuser,
          at: world.simulation.time,
        };
        const updates = [{ statement, proof: new Uint8Array(0) }];
        for (let to = 5; to < 11; to++) {
          // Everybody but the victim is told, twenty times a second.
          world.swims[to]!.onMessage(accuser, { type: "gossip", updates } as any, asNode(world, to));
        }
      }
    };
    for (let time = 0; time < 30_000; time += 50) {
      world.simulation.at(world.simulation.time, accuse);
      world.pass(50);
    }
    expect(world.of("member-suspected", victim).length).toBeGreaterThan(100);
    expect(world.of("member-failed")).toEqual([]);
    // Refuting costs a write: at most four in the shortest suspicion.
    const { refutations } = world.swims[victim]!.counters;
    expect(refutations).toBeGreaterThan(20);
    expect(refutations).toBeLessThanOrEqual(1 + (30_000 * 4) / (suspicionMult * probeIntervalMs));
  });
});

/** The simulation is the one environment of all nodes, and shows each its own name. */
function asNode(world: SwimWorld, row: number) {
  const { simulation } = world;
  simulation.row = row;
  simulation.self = row;
  simulation.random.row = row;
  return simulation as any;
}

describe("healing", () => {
  test.each([20, 40])("two halves of %i that gave each other up merge within five seconds", (nodes) => {
    const world = new SwimWorld({ nodes }).pass(12_000);
    world.untilAllKnowAll(20_000);
    const { connectivity } = world.simulation.links;
    const halves = [0, 1].map((half) => Array.from({ length: nodes / 2 }, (_, i) => 2 * i + half));
    connectivity.partition(halves);
    world.pass(35_000);
    for (const { size } of world.swims) expect(size).toBe(nodes / 2 - 1);
    connectivity.partition([]);
    world.told = [];
    expect(world.untilAllKnowAll(5000)).toBeLessThanOrEqual(5000);
    expect(world.of("member-failed")).toEqual([]);
  });

  test("a single one that was cut off gave up slowly what nobody confirmed, and is back within five seconds", () => {
    const world = new SwimWorld({ nodes: 5 }).pass(10_000);
    const { connectivity } = world.simulation.links;
    connectivity.partition([[0, 1, 2, 3], [4]]);
    world.pass(4000);
    expect(world.of("member-failed", 4)).toHaveLength(4);
    expect(world.of("member-failed").filter(({ row }) => row === 4)).toEqual([]);
    world.pass(60_000);
    expect(world.swims[4]!.size).toBe(0);
    connectivity.partition([]);
    expect(world.untilAllKnowAll(maxReconnectMs + 1000)).toBeLessThanOrEqual(5000);
  });

  test("a member that was dead for an hour is found again", () => {
    const world = new SwimWorld({ nodes: 4 }).pass(5000);
    world.simulation.links.connectivity.partition([
      [0, 1],
      [2, 3],
    ]);
    world.pass(3_600_000);
    world.simulation.links.connectivity.partition([]);
    world.untilAllKnowAll(5000);
    // Tries are a node's and not one for each who is dead.
    const [tries] = world.swims.map(({ counters }) => counters.reconnects);
    expect(tries).toBeLessThan(3600 / 3 + 100);
    expect(tries).toBeGreaterThan(3600 / 4 - 100);
  });

  test("who could not reach anybody at its start tries again for ever", () => {
    const world = new SwimWorld({ nodes: 3 });
    world.simulation.crash(0);
    world.pass(600_000);
    expect(world.swims[1]!.isJoined).toBe(false);
    world.begin(0);
    world.pass(5000);
    expect(world.swims.map(({ isJoined }) => isJoined)).toEqual([true, true, true]);
    world.untilAllKnowAll(5000);
  });
});

describe("a node of its own accord", () => {
  test("leaves: all are told soon, and nobody suspects it", () => {
    const world = new SwimWorld({ nodes: 10 }).pass(10_000);
    world.simulation.command(7, { type: "leave" });
    world.pass(5 * gossipIntervalMs + 10);
    expect(world.of("left").map(({ row }) => row)).toEqual([7]);
    world.simulation.crash(7);
    world.pass(20_000);
    expect(
      world
        .of("peer-left", 7)
        .map(({ row }) => row)
        .sort(),
    ).toEqual([0, 1, 2, 3, 4, 5, 6, 8, 9]);
    expect(world.of("member-suspected")).toEqual([]);
    expect(world.swims[0]!.stateOf(7)).toBe("left");
    world.begin(7, 2);
    world.untilAllKnowAll(5000);
  });

  test("changes its tags: a higher incarnation, once on disk, tells everybody", () => {
    const world = new SwimWorld({ nodes: 6 }).pass(5000);
    world.simulation.command(2, { type: "set-tags", tags: [["zone", "b"]] });
    world.pass(2000);
    expect(world.of("persist").filter(({ row, key }) => row === 2 && key === "incarnation")).toMatchObject([
      { value: 2, isAwaited: true },
    ]);
    for (const swim of world.swims.filter((_, row) => row !== 2)) {
      const member = swim.members.find(({ node }) => node === 2);
      expect(member).toMatchObject({ incarnation: 2, tags: [["zone", "b"]] });
    }
    expect(world.of("member-suspected")).toEqual([]);
    // Nobody has doubted it, and nobody says so.
    expect(world.of("refuted")).toEqual([]);
    expect(world.of("renewed")).toHaveLength(1);
  });

  test("restarts before anybody noticed: a new life of the same identity is no conflict", () => {
    const world = new SwimWorld({ nodes: 6 }).pass(5000);
    world.simulation.crash(2);
    world.begin(2, 9);
    world.told = [];
    world.pass(3000);
    expect(world.of("member-up", 2).map(({ incarnation }) => incarnation)).toEqual([9, 9, 9, 9, 9]);
    expect(world.of("member-failed")).toEqual([]);
  });

  test("restarts with a forgotten disk: it takes up above what others remember", () => {
    const world = new SwimWorld({ nodes: 4, config: () => ({}) }).pass(5000);
    world.simulation.command(2, { type: "set-tags", tags: [["a", "1"]] });
    world.pass(2000);
    world.simulation.crash(2);
    world.pass(5000).begin(2, 1);
    world.untilAllKnowAll(5000);
    expect(world.swims[2]!.incarnation).toBeGreaterThan(2);
  });
});

describe("what it costs", () => {
  test("an idle node sends two pings and two answers in a second, however many there are", () => {
    for (const nodes of [5, 40, 100]) {
      const kinds: Record<string, number> = {};
      let carried = 0;
      let isCounting = false;
      const world = new SwimWorld({
        nodes,
        onSent: (message) => {
          if (!isCounting) return;
          kinds[message.type] = (kinds[message.type] ?? 0) + 1;
          carried += "updates" in message ? message.updates.length : 0;
        },
      }).pass(60_000);
      isCounting = true;
      world.pass(30_000);
      const perNode = (type: string) => (kinds[type] ?? 0) / nodes / 30;
      expect(perNode("ping")).toBeCloseTo(2, 1);
      expect(perNode("ack")).toBeCloseTo(2, 1);
      expect(perNode("sync-compare") + perNode("sync-equal")).toBeLessThan(0.1);
      expect(Object.keys(kinds).filter((type) => !/^(ping|ack|sync-compare|sync-equal)$/.test(type))).toEqual(
        [],
      );
      expect(carried).toBe(0);
    }
  });
});

describe("a network that is too large for full views", () => {
  const nodes = 40;
  const neighborsOf = (row: number): NodeId[] =>
    [1, 2, 3, nodes - 2, nodes - 3, nodes - 4].map((step) => 1 + ((row - 1 + step) % (nodes - 1)));
  /** The first is a seed, and the others hold six links each. */
  const large = (settings: Partial<SwimWorldConfig> = {}) =>
    new SwimWorld({
      nodes,
      options: { fullViewMembers: 12 },
      config: (row) =>
        row === 0
          ? { role: "seed" }
          : { neighbors: { neighbors: neighborsOf(row), has: (node) => neighborsOf(row).includes(node) } },
      ...settings,
    }).pass(30_000);

  test("keeps samples, watches its neighbors, and gives one of them up together; a seed is told", () => {
    const world = large();
    for (const swim of world.swims.slice(1)) {
      expect(swim.isPartial).toBe(true);
      expect(swim.members.length).toBeLessThanOrEqual(12 + swim.introducers.length);
      expect(swim.introducers).toEqual([0]);
    }
    expect(world.swims[0]!.size).toBe(nodes - 1);
    expect(world.of("member-failed")).toEqual([]);
    world.simulation.crash(15);
    world.pass(12_000);
    const by = new Set(world.of("member-failed", 15).map(({ row }) => row));
    expect([...neighborsOf(15), 0].filter((row) => !by.has(row as number))).toEqual([]);
    expect(world.of("member-failed").every(({ peer }) => peer === 15)).toBe(true);
  });

  test("gives up nobody who lives, though a fifth of the messages is lost", () => {
    const world = large({ links: { loss: 0.2 } }).pass(120_000);
    expect(world.sum("suspicions")).toBeGreaterThan(100);
    expect(world.of("member-failed")).toEqual([]);
  });
});
