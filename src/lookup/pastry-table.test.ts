import { describe, expect, test } from "vitest";
import { digitAt, type KeyedNode, randomKey, seededRandom, sharedDigits } from "../core/index.ts";
import { Neighborhood, RoutingTable } from "./pastry-table.ts";

const at = (digits: string): KeyedNode => ({ node: digits, key: digits.padEnd(40, "0") });

describe("a routing table", () => {
  test("has each node in the row of its shared digits and the column of its next digit", () => {
    const table = new RoutingTable(at("5a3"), 4);
    for (const digits of ["1", "5b", "5a4", "59"]) table.set(at(digits));
    expect(table.at(0, 1)?.node).toBe("1");
    expect(table.at(1, 0xb)?.node).toBe("5b");
    expect(table.at(2, 4)?.node).toBe("5a4");
    expect(table.row(1).map(({ node }) => node)).toEqual(["59", "5b"]);
    expect(table.size).toBe(4);
  });

  test.each([1, 2, 3, 4, 5, 8])("with %i bits gives a hop that shares a digit more, or none", (bits) => {
    const random = seededRandom(bits);
    const table = new RoutingTable({ node: -1, key: randomKey(random) }, bits);
    for (let node = 0; node < 300; node++) table.set({ node, key: randomKey(random) });
    let found = 0;
    for (let i = 0; i < 300; i++) {
      const key = randomKey(random);
      const row = table.rowOf(key);
      const entry = table.entryFor(key);
      if (entry === undefined) continue;
      found++;
      expect(sharedDigits(entry.key, key, bits)).toBeGreaterThan(row);
      expect(digitAt(entry.key, row, bits)).toBe(digitAt(key, row, bits));
    }
    expect(found).toBeGreaterThan(100);
  });

  test("forgets a node only if it is that one, and never holds its own", () => {
    const table = new RoutingTable(at("5"), 4);
    table.set(at("61"));
    expect(table.remove(at("62").key)).toBe(false);
    table.set(at("62"));
    expect(table.get(at("61").key)).toBeUndefined();
    expect(table.size).toBe(1);
    expect(table.remove(at("62").key)).toBe(true);
    table.set(at("5"));
    expect(table.all()).toEqual([]);
    expect(table.size).toBe(0);
  });
});

describe("a neighborhood", () => {
  test("keeps the nearest that were measured, each once and where it was last", () => {
    const near = new Neighborhood(3);
    for (const [node, ms] of [
      ["1", 50],
      ["2", 10],
      ["3", 30],
      ["4", 40],
    ] as const)
      near.measured(at(node), ms);
    expect(near.nodes.map(({ node }) => node)).toEqual(["2", "3", "4"]);
    expect([near.wants(40), near.wants(39)]).toEqual([false, true]);
    near.measured(at("2"), 35);
    expect(near.nodes.map(({ node }) => node)).toEqual(["3", "2", "4"]);
    near.measured(at("3"), 90);
    expect(near.nodes.map(({ node }) => node)).toEqual(["2", "4", "3"]);
    expect(near.remove(at("4").key)).toBe(true);
    expect(near.remove(at("4").key)).toBe(false);
    expect(near.nodes.map(({ node }) => node)).toEqual(["2", "3"]);
  });

  test("without room keeps nobody", () => {
    const none = new Neighborhood(0);
    expect(none.wants(0)).toBe(false);
    none.measured(at("1"), 0);
    expect(none.nodes).toEqual([]);
  });
});
