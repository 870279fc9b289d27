import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type RoutedSettings, RoutedTopology } from "./topology.ts";

/**
 *     s0 - r0 --12-- r1 - s1
 *          |         |
 *          5         5        s3 is behind r1, too
 *          |         |
 *          r2 --1--- r3 - s2
 */
const square: RoutedSettings = {
  model: "routed",
  routers: 4,
  links: [
    [0, 1, 12],
    [0, 2, 5],
    [2, 3, 1],
    [1, 3, 5],
  ],
  subnets: [0, 1, 3, 1],
  localMs: 2,
};

const row = (subnet: number) => subnet; // of eight nodes, those of subnet i are i and i + 4

describe("a topology of subnets and routers", () => {
  test("takes the shortest way, not that of the fewest links", () => {
    const topology = new RoutedTopology(square, 8);
    expect(topology.pathMs(row(0), row(1))).toBe(5 + 1 + 5 + 2 * 2);
    expect(topology.pathMs(row(0), row(2))).toBe(6 + 4);
    expect(topology.pathMs(row(1), row(3))).toBe(4); // of one router
    expect(topology.pathMs(0, 4)).toBe(4); // of one subnet
  });

  test("counts a message on each link of its way and on both uplinks", () => {
    const topology = new RoutedTopology(square, 8);
    topology.carry(row(0), row(1), 100);
    topology.carry(row(1), row(0), 50);
    topology.carry(row(0), row(2), 10);
    // Hottest first; equals in the order of the settings, links before uplinks.
    expect(topology.loads()).toEqual([
      { kind: "link", from: 0, to: 2, messages: 3, bytes: 160 },
      { kind: "link", from: 2, to: 3, messages: 3, bytes: 160 },
      { kind: "uplink", subnet: 0, router: 0, messages: 3, bytes: 160 },
      { kind: "link", from: 1, to: 3, messages: 2, bytes: 150 },
      { kind: "uplink", subnet: 1, router: 1, messages: 2, bytes: 150 },
      { kind: "uplink", subnet: 2, router: 3, messages: 1, bytes: 10 },
      { kind: "link", from: 0, to: 1, messages: 0, bytes: 0 },
      { kind: "uplink", subnet: 3, router: 1, messages: 0, bytes: 0 },
    ]);
    expect(topology.routerLoads().map(({ router, messages }) => [router, messages])).toEqual([
      [0, 3],
      [2, 3],
      [3, 3],
      [1, 2],
    ]);
  });

  test("loads nothing within a subnet, and only the router and two uplinks between two subnets of one router", () => {
    const topology = new RoutedTopology(square, 8);
    topology.carry(1, 5, 100);
    expect(topology.loads().every(({ messages }) => messages === 0)).toBe(true);
    topology.carry(row(1), row(3), 100);
    expect(topology.loads().filter(({ messages }) => messages > 0)).toMatchObject([
      { kind: "uplink", subnet: 1 },
      { kind: "uplink", subnet: 3 },
    ]);
    expect(topology.routerLoads()[0]).toEqual({ router: 1, messages: 1, bytes: 100 });
    topology.clearLoads();
    expect(topology.loads().every(({ messages, bytes }) => messages + bytes === 0)).toBe(true);
    expect(topology.routerLoads()[0]!.messages).toBe(0);
  });

  test("moves a node to the subnet that it is put into", () => {
    const topology = new RoutedTopology(square, 8);
    expect([0, 3, 4, 6].map((node) => topology.subnetOf(node))).toEqual([0, 3, 0, 2]);
    topology.assign(0, 2);
    expect(topology.subnetOf(0)).toBe(2);
    expect(topology.pathMs(0, 2)).toBe(4);
    expect(() => topology.assign(0, 4)).toThrow("subnet: 4 is not one of 0 to 3");
  });

  test("is refused if a subnet cannot be reached, and not for a router that nobody needs", () => {
    const apart: RoutedSettings = { ...square, links: square.links.slice(0, 2), subnets: [0, 3] };
    expect(() => new RoutedTopology(apart, 8)).toThrow(
      "latency.links: no way leads from router 0 to router 3",
    );
    expect(() => new RoutedTopology({ ...apart, subnets: [0, 1, 2] }, 8)).not.toThrow();
  });
});

/** A connected net: each router but the first is linked to one before it, and some more links. */
const anyNet = fc
  .record({
    back: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 50 })), { minLength: 1, maxLength: 14 }),
    more: fc.array(fc.tuple(fc.nat(), fc.nat(), fc.integer({ min: 0, max: 50 })), { maxLength: 12 }),
  })
  .map(({ back, more }): RoutedSettings => {
    const routers = back.length + 1;
    const links: [number, number, number][] = back.map(([to, ms], i) => [i + 1, to % (i + 1), ms]);
    for (const [a, b, ms] of more)
      if (a % routers !== b % routers) links.push([a % routers, b % routers, ms]);
    return { model: "routed", routers, links, subnets: Array.from({ length: routers }, (_, i) => i) };
  });

/** Floyd and Warshall: another algorithm than the one under test. */
function allPairs({ routers, links }: RoutedSettings): number[][] {
  const ms = Array.from({ length: routers }, (_, a) =>
    Array.from({ length: routers }, (_, b) => (a === b ? 0 : Infinity)),
  );
  for (const [a, b, time] of links) {
    ms[a]![b] = Math.min(ms[a]![b]!, time);
    ms[b]![a] = Math.min(ms[b]![a]!, time);
  }
  for (let c = 0; c < routers; c++)
    for (let a = 0; a < routers; a++)
      for (let b = 0; b < routers; b++) ms[a]![b] = Math.min(ms[a]![b]!, ms[a]![c]! + ms[c]![b]!);
  return ms;
}

describe("in any connected net", () => {
  test("ways are the shortest, and the links that a message loads add up to its way", () => {
    fc.assert(
      fc.property(anyNet, fc.nat(), fc.nat(), (net, a, b) => {
        const [from, to] = [a % net.routers, b % net.routers];
        const topology = new RoutedTopology(net, net.routers);
        expect(topology.pathMs(from, to)).toBe(allPairs(net)[from]![to]);
        topology.carry(from, to, 1);
        let onTheWay = 0;
        for (const load of topology.loads()) {
          if (load.kind !== "link" || load.messages === 0) continue;
          const parallel = net.links.filter(
            ([x, y]) => (x === load.from && y === load.to) || (x === load.to && y === load.from),
          );
          onTheWay += Math.min(...parallel.map(([, , ms]) => ms));
        }
        expect(onTheWay).toBe(topology.pathMs(from, to));
      }),
    );
  });
});

test("a few hundred routers are made ready within seconds", () => {
  const routers = 300;
  const links = Array.from({ length: routers }, (_, i): [number, number, number] => [
    i,
    (i + 1) % routers,
    1,
  ]);
  const topology = new RoutedTopology({ model: "routed", routers, links, subnets: [0, 150] }, 2);
  expect(topology.pathMs(0, 1)).toBe(150);
});
