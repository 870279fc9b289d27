import { describe, expect, test } from "vitest";
import { bytes, count, StoreNetwork, textOf } from "../../test/support/store-network.ts";
import { compareXor, keyOfName } from "../core/index.ts";
import { keyOfOwned, keyOfShared, keyOfValue } from "./records.ts";
import { Store, type StoreConfig } from "./store.ts";

const hour = 3_600_000;

describe("what was put", () => {
  test("is given back by any node, and says how many have it on disk", () => {
    const network = new StoreNetwork({ rows: 20 }).gather();
    const put = network.put(3, "color", "green");
    expect(put).toMatchObject({ outcome: "stored", sequence: 1, needed: 5, isCapped: false, attempts: 1 });
    expect(count(put, "stored")).toBe(8);
    expect(put.replicas.map(({ replica }) => replica)).toEqual(
      network.trueClosest(keyOfShared("color"), 8, compareXor),
    );
    for (const { replica, roundTripMs } of put.replicas)
      expect(roundTripMs).toBeGreaterThan(replica.node === 3 ? 0 : 10);
    expect(put.expiresAt! - network.time).toBeGreaterThan(47 * hour);
    for (const row of [0, 7, 19]) {
      const got = network.get(row, "color");
      expect(got).toMatchObject({ outcome: "found", sequence: 1, repaired: 0 });
      expect(textOf(got)).toBe("green");
      expect(got.replicas.filter(({ state }) => state === "found").length).toBeGreaterThanOrEqual(5);
    }
  });

  test("is replaced by what is put later, wherever that happens", () => {
    const network = new StoreNetwork({ rows: 20 }).gather();
    network.put(3, "color", "green");
    expect(network.put(4, "color", "blue").sequence).toBe(2);
    expect(network.put(5, "color", "red").sequence).toBe(3);
    expect(textOf(network.get(6, "color"))).toBe("red");
  });

  test("is not there before, and what was never put is missing", () => {
    const network = new StoreNetwork({ rows: 20 }).gather();
    const got = network.get(6, "color");
    expect(got).toMatchObject({ outcome: "missing", record: undefined, sequence: 0 });
    expect(count(got, "missing")).toBeGreaterThanOrEqual(5);
  });

  test("under one name by several owners is several records", () => {
    const network = new StoreNetwork({ rows: 20 }).gather();
    network.put(3, "color", "green", { kind: "owned" });
    network.put(4, "color", "blue", { kind: "owned" });
    network.put(5, "color", "red");
    expect(textOf(network.get(9, "color", { kind: "owned", owner: 3 }))).toBe("green");
    expect(textOf(network.get(9, "color", { kind: "owned", owner: 4 }))).toBe("blue");
    expect(textOf(network.get(9, "color"))).toBe("red");
    const byKey = network.do(9, { type: "get", kind: "owned", key: keyOfOwned(3, "color") });
    expect(textOf(byKey)).toBe("green");
  });

  test("and can be found by the hash of its value is immutable, and put twice it is one", () => {
    const network = new StoreNetwork({ rows: 20 }).gather();
    const value = bytes("for ever");
    const put = network.do(3, { type: "put", kind: "immutable", value });
    expect(put).toMatchObject({ outcome: "stored", sequence: 0, key: keyOfValue(value) });
    network.run(1000);
    expect(network.do(4, { type: "put", kind: "immutable", value }).outcome).toBe("stored");
    // With a shorter life than what is there: it is there already.
    expect(network.do(5, { type: "put", kind: "immutable", value, lifetimeMs: 5000 }).outcome).toBe("stored");
    network.run(10_000);
    expect(textOf(network.do(5, { type: "get", key: keyOfValue(value) }))).toBe("for ever");
  });

  test("by a node that is alone is stored there, and told so", () => {
    const network = new StoreNetwork({ rows: 1 }).gather();
    const put = network.put(0, "color", "green");
    expect(put).toMatchObject({ outcome: "stored", needed: 1, isCapped: true });
    expect(textOf(network.get(0, "color"))).toBe("green");
  });

  test("in a network of fewer nodes than the quorum is stored at all of them", () => {
    const network = new StoreNetwork({ rows: 3 }).gather();
    const put = network.put(0, "color", "green");
    expect(put).toMatchObject({ outcome: "stored", needed: 3, isCapped: true });
    expect(network.holders(keyOfShared("color"))).toEqual([0, 1, 2]);
  });

  test("is acknowledged only when it is on the disks of the replicas", () => {
    const network = new StoreNetwork({ rows: 12 }).gather();
    const put = network.put(0, "color", "green");
    for (const { replica, state } of put.replicas) {
      expect(state).toBe("stored");
      const disk = network.diskOf(Number(replica.node))!;
      expect(disk.below("store/record/")).toHaveLength(1);
    }
  });

  test("is not said to be stored when fewer than w have it, and each says why", () => {
    const network = new StoreNetwork({ rows: 12 }).gather();
    const closest = network.trueClosest(keyOfShared("color"), 8, compareXor).map(({ node }) => Number(node));
    for (const row of closest.slice(0, 4)) network.operate(row, { type: "leave" });
    network.run(1000);
    const put = network.put(closest[7]!, "color", "green");
    expect(put).toMatchObject({ outcome: "partial", needed: 5, isPublished: false });
    expect(put.replicas.map(({ state, reason }) => reason ?? state)).toEqual([
      ...Array(4).fill("leaving"),
      ...Array(4).fill("stored"),
    ]);
    const enough = network.put(closest[7]!, "color", "blue", { writeQuorum: 4 });
    expect(enough).toMatchObject({ outcome: "stored", needed: 4 });
    const few = network.put(closest[7]!, "shape", "round", { replicas: 2, writeQuorum: 2 });
    expect(few.replicas).toHaveLength(2);
  });
});

describe("acknowledged values survive", () => {
  test.each([1, 2, 3, 4, 5])("kill -9 of any r - w of the replicas, at once (seed %i)", (seed) => {
    const network = new StoreNetwork({ rows: 24, seed }).gather();
    const names = Array.from({ length: 20 }, (_, i) => `name ${i}`);
    const puts = names.map((name, i) => network.put(i, name, `value of ${name}`));
    expect(puts.map(({ outcome }) => outcome)).toEqual(names.map(() => "stored"));
    const die = network.dieOf(0);
    for (const [i, name] of names.entries()) {
      const holders = puts[i]!.replicas.map(({ replica }) => Number(replica.node));
      const victims = holders.filter((row) => network.simulation.isAlive(row)).slice(0, 3);
      if (network.living.size - victims.length < 16) break;
      // Before anybody can mend it.
      for (const row of victims) network.crash(row);
      const asker = network.living.at(die.below(network.living.size));
      expect(textOf(network.get(asker, name))).toBe(`value of ${name}`);
      // And after the others have.
      network.run(30_000);
      expect(textOf(network.get(asker, name))).toBe(`value of ${name}`);
    }
  });

  test("kill -9 of all nodes at once, with their disks", () => {
    const network = new StoreNetwork({ rows: 16 }).gather();
    const names = Array.from({ length: 30 }, (_, i) => `name ${i}`);
    for (const [i, name] of names.entries())
      expect(network.put(i % 16, name, `value of ${name}`).outcome).toBe("stored");
    for (let row = 0; row < 16; row++) network.crash(row);
    network.run(5000);
    network.gather();
    for (const [i, name] of names.entries())
      expect(textOf(network.get((i + 5) % 16, name))).toBe(`value of ${name}`);
  });

  test("the loss of two thirds, one after the other, as the rest mends what was lost", () => {
    const network = new StoreNetwork({ rows: 24 }).gather();
    const names = Array.from({ length: 20 }, (_, i) => `name ${i}`);
    for (const [i, name] of names.entries()) network.put(i, name, `value of ${name}`);
    for (let row = 0; row < 16; row++) {
      network.crash(row);
      network.run(15_000);
    }
    for (const name of names) {
      expect(textOf(network.get(20, name))).toBe(`value of ${name}`);
      expect(network.holders(keyOfShared(name)).length).toBe(8);
    }
  });

  test("all replicas leaving, each after its goodbye", () => {
    const network = new StoreNetwork({ rows: 24, options: { repairDelayMs: hour } }).gather();
    const put = network.put(23, "color", "green");
    for (const { replica } of put.replicas) {
      const row = Number(replica.node);
      if (row === 0) continue;
      network.leave(row);
      network.run(3000);
    }
    expect(textOf(network.get(0, "color"))).toBe("green");
    expect(network.holders(keyOfShared("color")).length).toBeGreaterThanOrEqual(7);
  });
});

describe("those that come", () => {
  test("take over what is theirs: some K r / N records each, and no other record moves", () => {
    const network = new StoreNetwork({ rows: 40, options: { replicas: 4 } }).gather(30);
    const names = Array.from({ length: 120 }, (_, i) => `name ${i}`);
    for (const [i, name] of names.entries()) network.put(i % 30, name, "x");
    network.run(20_000);
    const movedBefore = moved(network);
    for (let row = 30; row < 40; row++) {
      network.start(row, [0]);
      network.run(20_000);
    }
    for (const name of names) {
      const key = keyOfShared(name);
      const holders = network.holders(key);
      for (const { node } of network.trueClosest(key, 4, compareXor)) expect(holders).toContain(node);
    }
    // The i-th newcomer becomes one of four of the 30 + i: it is due 120 · 4 / (30 + i) records.
    const due = Array.from({ length: 10 }, (_, i) => (120 * 4) / (31 + i)).reduce((sum, x) => sum + x, 0);
    const ratio = (moved(network) - movedBefore) / due;
    expect(ratio).toBeGreaterThan(0.75);
    expect(ratio).toBeLessThan(1.25);
  });

  test("with old records on their disks learn what was written and deleted meanwhile", () => {
    const network = new StoreNetwork({ rows: 10 }).gather();
    network.put(0, "color", "green");
    network.put(0, "shape", "round");
    const sleeper = network.holders(keyOfShared("color"))[3]!;
    network.crash(sleeper);
    network.run(30_000);
    const other = sleeper === 0 ? 1 : 0;
    network.put(other, "color", "blue");
    network.do(other, { type: "delete", name: "shape" });
    network.start(sleeper, [other]);
    network.run(30_000);
    const isOld = network.holders(keyOfShared("color"), ({ statement }) => statement.sequence < 2);
    expect(isOld).toEqual([]);
    expect(network.get(sleeper, "shape").outcome).toBe("deleted");
    expect(textOf(network.get(sleeper, "color", { readQuorum: 1 }))).toBe("blue");
  });
});

function moved(network: StoreNetwork): number {
  let sum = 0;
  for (let row = 0; row < network.config.rows; row++)
    if (network.simulation.isAlive(row)) sum += network.store(row).counters.upkeep.handedOver;
  return sum;
}

describe("what was deleted", () => {
  test("stays deleted, also when a replica comes back that slept through it", () => {
    const network = new StoreNetwork({ rows: 16, watchMs: 5000 }).gather();
    network.put(0, "color", "green");
    const sleepers = network.holders(keyOfShared("color")).slice(0, 3);
    for (const row of sleepers) network.crash(row);
    const asker = [...Array(16).keys()].find((row) => !sleepers.includes(row))!;
    network.run(30_000);
    expect(network.do(asker, { type: "delete", name: "color" })).toMatchObject({
      outcome: "stored",
      sequence: 2,
    });
    for (const row of sleepers) network.start(row, [asker]);
    for (const wait of [100, 10_000, 3 * hour, 6 * hour]) {
      network.run(wait);
      const got = network.get(asker, "color");
      expect(got.outcome).toBe("deleted");
      expect(got.record!.statement.value).toBeUndefined();
    }
  });

  test("can be put again, with a higher number", () => {
    const network = new StoreNetwork({ rows: 16 }).gather();
    network.put(0, "color", "green");
    network.do(1, { type: "delete", name: "color" });
    expect(network.put(2, "color", "blue").sequence).toBe(3);
    expect(textOf(network.get(3, "color"))).toBe("blue");
  });

  test("twice, or never was, is missing", () => {
    const network = new StoreNetwork({ rows: 16 }).gather();
    expect(network.do(1, { type: "delete", name: "color" }).outcome).toBe("missing");
    expect(network.holders(keyOfShared("color"))).toEqual([]);
    network.put(0, "color", "green");
    expect(network.do(1, { type: "delete", name: "color" }).outcome).toBe("stored");
    expect(network.do(1, { type: "delete", name: "color" }).outcome).toBe("missing");
  });
});

describe("time", () => {
  test("ends a record with a lifetime, and its publisher keeps the others alive", () => {
    const options = { lifetimeMs: 10_000, publishIntervalMs: 5000, republishIntervalMs: 3000 };
    const network = new StoreNetwork({ rows: 16, options }).gather();
    expect(network.put(0, "short", "x", { lifetimeMs: 6000 }).isPublished).toBe(false);
    expect(network.put(0, "kept", "y").isPublished).toBe(true);
    network.run(5000);
    expect(network.get(1, "short").outcome).toBe("found");
    network.run(2000);
    expect(network.get(1, "short").outcome).toBe("missing");
    expect(network.holders(keyOfShared("short"))).toEqual([]);
    network.run(60_000);
    const kept = network.get(1, "kept");
    expect(textOf(kept)).toBe("y");
    expect(kept.sequence).toBe(1);
    network.crash(0);
    network.run(20_000);
    expect(network.get(1, "kept").outcome).toBe("missing");
  });

  test("does not let a publisher bring back what others have replaced", () => {
    const options = { lifetimeMs: 10_000, publishIntervalMs: 5000 };
    const network = new StoreNetwork({ rows: 16, options }).gather();
    network.put(0, "color", "green");
    network.put(1, "color", "blue");
    network.run(30_000);
    expect(network.store(0).published).toBe(0);
    expect(textOf(network.get(2, "color"))).toBe("blue");
  });

  test("in which nothing happens costs one look at each record in an hour, by one of its replicas", () => {
    const network = new StoreNetwork({ rows: 16, watchMs: 20_000 }).gather();
    for (let i = 0; i < 30; i++) network.put(i % 16, `name ${i}`, "x");
    network.run(30_000);
    const looks = () => total(network, (row) => network.store(row).counters.upkeep.looks);
    const before = looks();
    const handed = moved(network);
    network.run(20 * hour);
    const perRecordAndHour = (looks() - before) / 30 / 20;
    expect(perRecordAndHour).toBeGreaterThan(0.9);
    expect(perRecordAndHour).toBeLessThan(1.6);
    expect(moved(network)).toBe(handed);
  });
});

function total(network: StoreNetwork, of: (row: number) => number): number {
  let sum = 0;
  for (let row = 0; row < network.config.rows; row++) if (network.simulation.isAlive(row)) sum += of(row);
  return sum;
}

describe("read repair", () => {
  test("gives the newest record to those that answered with an older one or none", () => {
    // Nothing else mends it meanwhile.
    const network = new StoreNetwork({ rows: 12, options: { upkeepIntervalMs: 60_000 } }).gather();
    network.put(0, "color", "green");
    const key = keyOfShared("color");
    const sleepers = network
      .holders(key)
      .filter((row) => row !== 0)
      .slice(0, 2);
    for (const row of sleepers) network.crash(row);
    network.run(3000);
    network.put(0, "color", "blue");
    for (const row of sleepers) network.start(row, [0]);
    network.run(3000);
    const isOld = () => network.holders(key, ({ statement }) => statement.sequence === 1);
    expect(isOld()).toEqual(sleepers.toSorted((a, b) => a - b));
    const got = network.get(0, "color", { readQuorum: 8 });
    expect(textOf(got)).toBe("blue");
    expect(count(got, "older")).toBe(2);
    expect(got.repaired).toBe(2 + count(got, "missing"));
    network.run(1000);
    expect(isOld()).toEqual([]);
  });
});

test("a key is the hash of the name, as with any object", () => {
  expect(keyOfShared("song")).toBe(keyOfName("song"));
});

test("a node whose router knows nobody yet, and whose membership does, promises nothing", () => {
  const storeOf = (config: StoreConfig) => new Store({ ...config, members: { size: 12 } });
  const network = new StoreNetwork({ rows: 20, storeOf });
  network.start(19, []);
  network.run(1000);
  expect(network.put(19, "color", "green")).toMatchObject({ outcome: "partial", needed: 5, isCapped: false });
  expect(network.put(19, "lock", "mine", { cas: 0 }).outcome).not.toBe("stored");
  expect(network.get(19, "colour")).toMatchObject({ outcome: "unreachable" });
});
