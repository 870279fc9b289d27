/** One replica alone: what it takes, what it refuses, what it promises, and that nobody gets more out of it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Alone } from "../../test/support/alone.ts";
import { keyedNode, routerOf } from "../../test/support/still-router.ts";
import { bytes } from "../../test/support/store-network.ts";
import { type Key, keyOfName, type NodeId, type RecordStatement, type StoredRecord } from "../core/index.ts";
import { SimulatedSignatures } from "../simulated/simulated-signatures.ts";
import { digestOf, keyOfOwned, keyOfShared, keyOfValue } from "./records.ts";
import { Store } from "./store.ts";
import type { StoreCommand, StoreNotice } from "./store-commands.ts";
import type { StoreMessage, StoreRecord } from "./store-messages.ts";
import type { StoreOptions } from "./store-options.ts";
import type { StoreTimer } from "./store-parts.ts";

const writer = 5;
const hour = 3_600_000;

function stored(name: string, change: Partial<RecordStatement> = {}, signer: NodeId = writer): StoredRecord {
  const statement: RecordStatement = {
    type: "record",
    kind: "shared",
    key: keyOfShared(name),
    name,
    value: bytes("green"),
    sequence: 1,
    writer,
    writtenAt: 1_000_000,
    lifetimeMs: hour,
    ...change,
  };
  return { statement, proof: new SimulatedSignatures(signer).sign(statement) };
}

class LoneReplica extends Alone<StoreMessage, StoreTimer, StoreNotice, StoreCommand> {
  readonly store: Store;
  #nonce = 0;

  constructor(store: Store) {
    super(0, store);
    this.store = store;
    this.now = 1_000_000;
    this.start();
  }

  /** What it answers; undefined while the disk is at work. */
  offered(record: StoredRecord, more: Partial<StoreRecord> = {}, from: NodeId = 7): string | undefined {
    const nonce = ++this.#nonce;
    this.clear();
    this.receive(from, { type: "store", nonce, purpose: "put", record, ticket: 0, lifetimeMs: 0, ...more });
    const [answer] = this.sent();
    if (answer === undefined) return undefined;
    expect(answer.to).toBe(from);
    expect((answer.message as any).nonce).toBe(nonce);
    return answer.message.type === "refused" ? answer.message.reason : answer.message.type;
  }
  fetched(key: Key, kind: "shared" | "owned" | "immutable" = "shared") {
    this.clear().receive(7, { type: "fetch", nonce: 1, kind, key });
    return this.onlySent("fetched");
  }
  reserved(sequence: number, ticket: number, more: object = {}, from: NodeId = 7) {
    const address = { kind: "shared", key: keyOfShared("color"), name: "color" } as const;
    this.clear().receive(from, { type: "reserve", nonce: 1, ...address, sequence, ticket, ...more });
    return this.sentOf("reserved")[0];
  }
}

function replica(
  options: Partial<StoreOptions> = {},
  others: readonly NodeId[] = [1, 2, 3, 5, 7],
): LoneReplica {
  const router = routerOf(0, others);
  return new LoneReplica(new Store({ router, keyedNode, signatures: new SimulatedSignatures(0), options }));
}

describe("a replica takes a record", () => {
  test("that it is writing, from whoever brings it again, until too many wait for the disk", () => {
    const alone = replica({ maxWaitingForDisk: 3 });
    alone.persistsAtOnce = false;
    const answers = Array.from({ length: 10 }, () => alone.offered(stored("color")));
    expect(answers).toEqual([...Array(3).fill(undefined), ...Array(7).fill("busy")]);
    alone.clear().acknowledge();
    expect(alone.sentOf("stored")).toHaveLength(3);
  });

  test("and says so when it is on disk, not before", () => {
    const alone = replica();
    alone.persistsAtOnce = false;
    expect(alone.offered(stored("color"))).toBeUndefined();
    expect(alone.noticesOf("persist")).toMatchObject([
      { key: `record/shared/${keyOfShared("color")}`, isAwaited: true },
    ]);
    alone.clear().acknowledge();
    expect(alone.onlySent("stored").to).toBe(7);
  });

  test("and answers for each version only when that version, or a newer one, is on disk", () => {
    const alone = replica();
    alone.persistsAtOnce = false;
    expect(alone.offered(stored("color"))).toBeUndefined();
    expect(alone.offered(stored("color", { sequence: 2 }))).toBeUndefined();
    // One write at a time: the second waits for the first.
    expect(alone.noticesOf("persist")).toEqual([]);
    alone.clear().command({ type: "persisted", key: `record/shared/${keyOfShared("color")}` });
    expect(alone.sentOf("stored").map(({ nonce }) => nonce)).toEqual([1]);
    expect(
      alone.noticesOf("persist").map(({ value }) => (value as StoreRecord).record.statement.sequence),
    ).toEqual([2]);
    alone.clear().command({ type: "persisted", key: `record/shared/${keyOfShared("color")}` });
    expect(alone.sentOf("stored").map(({ nonce }) => nonce)).toEqual([2]);
  });

  test("that is asked again while the disk is at work, and answers both", () => {
    const alone = replica();
    alone.persistsAtOnce = false;
    alone.offered(stored("color"));
    alone.offered(stored("color"));
    alone.clear().acknowledge();
    expect(alone.sentOf("stored").map(({ nonce }) => nonce)).toEqual([1, 2]);
  });
});

describe("a replica changes nothing, and counts it, when it is sent", () => {
  const held = stored("color", { sequence: 5 });
  const cases: [string, string, StoredRecord, Partial<StoreRecord>][] = [
    ["a record that another has signed", "forged", stored("shape", {}, 6), {}],
    [
      "a record that was changed",
      "forged",
      { ...held, statement: { ...held.statement, value: bytes("blue"), sequence: 6 } },
      {},
    ],
    [
      "a record of an owner by somebody else",
      "malformed",
      stored("x", { kind: "owned", key: keyOfOwned(6, "x") }),
      {},
    ],
    ["a record under a wrong key", "malformed", stored("shape", { key: keyOfShared("color") }), {}],
    ["a value that is too long", "malformed", stored("shape", { value: new Uint8Array(65_537) }), {}],
    [
      "a value that is not what its key is the hash of",
      "malformed",
      stored("", { kind: "immutable", key: keyOfValue(bytes("x")), name: "", sequence: 0, writer: "" }),
      {},
    ],
    ["a record from the future", "ahead", stored("shape", { writtenAt: 1_400_000 }), {}],
    ["a record whose time is over", "expired", stored("shape", { lifetimeMs: 1000, writtenAt: 900_000 }), {}],
    ["an older one, played back", "superseded", stored("color", { sequence: 4 }), {}],
    [
      "an older one, as another replica",
      "superseded",
      stored("color", { sequence: 4 }),
      { purpose: "replica" },
    ],
    [
      "a smaller one of the same number",
      "superseded",
      stored("color", { sequence: 5, value: bytes("azure") }),
      {},
    ],
    ["a swap that nothing was promised", "promised", stored("color", { sequence: 6 }), { ticket: 77 }],
  ];

  test.each(cases)("%s: %s", (_name, reason, record, more) => {
    const alone = replica();
    expect(alone.offered(held)).toBe("stored");
    const { size, bytes: used } = alone.store;
    expect(alone.offered(record, more)).toBe(reason);
    expect(alone.store.counters.replica[reason as "forged"]).toBe(1);
    expect([alone.store.size, alone.store.bytes]).toEqual([size, used]);
    expect(alone.noticesOf("persist")).toEqual([]);
    expect(alone.fetched(held.statement.key).record).toEqual(held);
  });

  test("anything while too much waits for the disk: busy", () => {
    const alone = replica({ maxWaitingForDisk: 2 });
    alone.persistsAtOnce = false;
    alone.offered(stored("a"));
    alone.offered(stored("b"));
    expect(alone.offered(stored("c"))).toBe("busy");
    alone.acknowledge();
    expect(alone.offered(stored("c"))).toBeUndefined();
  });

  test("a record for which many nodes that it knows are more responsible: too-far", () => {
    const others = Array.from({ length: 60 }, (_, i) => i + 1);
    const alone = replica({ replicas: 2 }, others);
    const near = alone.store.recordsOf("").length;
    expect(near).toBe(0);
    const names = Array.from({ length: 200 }, (_, i) => `name ${i}`);
    const answers = names.map((name) => alone.offered(stored(name)));
    names.forEach((name, i) => {
      const rank = routerOf(0, others)
        .replicas(keyOfShared(name), 61)
        .findIndex(({ node }) => node === 0);
      expect(answers[i]).toBe(rank < 8 ? "stored" : "too-far");
    });
  });

  test("answers that nobody asked for", () => {
    const alone = replica();
    alone.receive(7, { type: "stored", nonce: 1 });
    alone.receive(7, { type: "fetched", nonce: 1, record: held, isCached: false });
    alone.receive(7, { type: "offered", nonce: 1, verdicts: ["wanted"] });
    alone.receive(7, {
      type: "reserved",
      nonce: 1,
      isGranted: true,
      promised: 1,
      held: 0,
      digest: undefined,
    });
    alone.receive(7, { type: "refused", nonce: 1, reason: "full", sequence: 0 });
    expect(alone.store.counters.questions.unasked).toBe(5);
    expect(alone.sent()).toEqual([]);
    expect(alone.store.size).toBe(0);
  });
});

describe("a promise", () => {
  test("is on disk before it is given, and keeps others with that number or a lower one away", () => {
    const alone = replica();
    alone.persistsAtOnce = false;
    expect(alone.reserved(3, 100)).toBeUndefined();
    alone.clear().acknowledge();
    expect(alone.onlySent("reserved")).toMatchObject({ isGranted: true, promised: 3, held: 0 });
    alone.persistsAtOnce = true;
    expect(alone.reserved(3, 101)).toMatchObject({ isGranted: false, promised: 3 });
    expect(alone.offered(stored("color", { sequence: 3 }))).toBe("promised");
    expect(alone.offered(stored("color", { sequence: 3 }), { ticket: 101 })).toBe("promised");
    expect(alone.offered(stored("color", { sequence: 3 }), { ticket: 100 })).toBe("stored");
    expect(alone.reserved(3, 102)).toMatchObject({ isGranted: false, held: 3 });
  });

  test("is lost to a higher one, also while the disk is at work", () => {
    const alone = replica();
    alone.persistsAtOnce = false;
    alone.reserved(3, 100);
    alone.reserved(4, 101);
    alone.clear().acknowledge();
    expect(alone.sentOf("reserved").map(({ isGranted }) => isGranted)).toEqual([false, true]);
    alone.persistsAtOnce = true;
    expect(alone.offered(stored("color", { sequence: 3 }), { ticket: 100 })).toBe("promised");
    expect(alone.offered(stored("color", { sequence: 4 }), { ticket: 101 })).toBe("stored");
  });

  test("says what is here by number and name", () => {
    const alone = replica();
    const held = stored("color", { sequence: 5 });
    alone.offered(held);
    expect(alone.reserved(5, 100)).toMatchObject({
      isGranted: false,
      held: 5,
      digest: digestOf(held.statement),
    });
    expect(alone.reserved(6, 100)).toMatchObject({
      isGranted: true,
      held: 5,
      digest: digestOf(held.statement),
    });
  });

  test("outlives a restart", () => {
    const alone = replica();
    alone.reserved(3, 100);
    const kept = alone.noticesOf("persist").map(({ value }) => value as StoreMessage);
    const again = new LoneReplica(
      new Store({
        router: routerOf(0, [1]),
        keyedNode,
        signatures: new SimulatedSignatures(0),
        restored: kept,
      }),
    );
    expect(again.offered(stored("color", { sequence: 3 }))).toBe("promised");
    expect(again.offered(stored("color", { sequence: 3 }), { ticket: 100 })).toBe("stored");
    // Then the disk is rid of it.
    expect(again.noticesOf("persist").map(({ key }) => key)).toContain(
      `promise/shared/${keyOfShared("color")}`,
    );
  });

  test("for an owned record is given to its owner only, and for a key that is no name's to nobody", () => {
    const alone = replica();
    const owned = { kind: "owned", key: keyOfOwned(5, "x"), name: "x" };
    expect(alone.reserved(1, 100, owned, 7)).toMatchObject({ isGranted: false, promised: 0 });
    expect(alone.reserved(1, 100, owned, 5)).toMatchObject({ isGranted: true });
    expect(alone.reserved(1, 100, { name: "shape" })).toMatchObject({ isGranted: false });
  });

  test("is for few of one source, and for no more than there is room for in all", () => {
    const alone = replica({ maxPromises: 16 });
    const ask = (i: number, from: NodeId) =>
      alone.reserved(1, 100 + i, { key: keyOfShared(`n${i}`), name: `n${i}` }, from)!.isGranted;
    expect([0, 1, 2, 3].map((i) => ask(i, 7))).toEqual([true, true, false, false]);
    let given = 2;
    for (let i = 10; i < 60; i++) given += Number(ask(i, 1000 + i));
    expect(given).toBe(16);
  });
});

test("a record whose time ended while the node slept is taken off the disk", () => {
  const kept = (name: string, purpose: "replica" | "put", lifetimeMs: number): StoreMessage => {
    const record = stored(name);
    const statement = { ...record.statement, lifetimeMs };
    return { type: "store", nonce: 0, purpose, record: { ...record, statement }, ticket: 0, lifetimeMs: 0 };
  };
  const restored = [
    kept("over", "replica", -1),
    kept("published", "put", -1),
    kept("alive", "replica", 60_000_000),
  ];
  const store = new Store({
    router: routerOf(0, [1]),
    keyedNode,
    signatures: new SimulatedSignatures(0),
    restored,
  });
  const alone = new LoneReplica(store);
  expect(alone.noticesOf("persist")).toEqual(
    [`record/shared/${keyOfShared("over")}`, `published/shared/${keyOfShared("published")}`].map((key) => ({
      ...{ type: "persist", key, value: undefined, isAwaited: false },
    })),
  );
  expect(store.size).toBe(1);
  expect(store.counters.store.notRestored).toBe(2);
});

describe("a cached copy", () => {
  const copy = { purpose: "cache", lifetimeMs: 60_000 } as const;

  test("that is newer than what a replica has makes no copy of the replica, which would end with it", () => {
    const alone = replica();
    alone.offered(stored("color"));
    expect(alone.offered(stored("color", { sequence: 2, value: bytes("blue") }), copy)).toBe("stored");
    expect(alone.store.table.cached).toBe(0);
    alone.pass(120_000);
    expect(alone.fetched(keyOfShared("color"))).toMatchObject({
      record: { statement: { sequence: 2 } },
      isCached: false,
    });
  });

  test("is given to who asks, said to be one, is on no disk, and ends early", () => {
    const alone = replica();
    expect(alone.offered(stored("color"), copy)).toBe("stored");
    expect(alone.noticesOf("persist")).toEqual([]);
    expect(alone.store.size).toBe(0);
    expect(alone.store.recordsOf(keyOfShared("color"))).toHaveLength(1);
    expect(alone.fetched(keyOfShared("color"))).toMatchObject({ isCached: true, record: stored("color") });
    alone.pass(61_000);
    expect(alone.fetched(keyOfShared("color")).record).toBeUndefined();
    expect(alone.store.recordsOf(keyOfShared("color"))).toEqual([]);
  });

  test("does not count as held in an offer, and becomes a replica when it is stored", () => {
    const alone = replica();
    alone.offered(stored("color"), copy);
    const { kind, key, sequence } = stored("color").statement;
    const entries = [{ kind, key, sequence, digest: digestOf(stored("color").statement) }];
    alone.clear().receive(7, { type: "offer", nonce: 1, entries });
    expect(alone.onlySent("offered").verdicts).toEqual(["wanted"]);
    expect(alone.offered(stored("color"), { purpose: "replica" })).toBe("stored");
    expect(alone.noticesOf("persist")).toHaveLength(1);
    expect(alone.store.size).toBe(1);
    alone.clear().receive(7, { type: "offer", nonce: 1, entries });
    expect(alone.onlySent("offered").verdicts).toEqual(["held"]);
  });

  test("has to be signed, too, and does not take the place of a replica", () => {
    const alone = replica();
    expect(alone.offered(stored("color", {}, 6), copy)).toBe("forged");
    alone.offered(stored("color"));
    expect(alone.offered(stored("color"), copy)).toBe("stored");
    expect(alone.store.size).toBe(1);
  });
});

describe("an offer", () => {
  const offer = (sequence: number, digest = digestOf(stored("color", { sequence }).statement)) =>
    ({
      type: "offer",
      nonce: 1,
      entries: [{ kind: "shared", key: keyOfShared("color"), sequence, digest }],
    }) as const;

  test("is answered by what is here", () => {
    const alone = replica();
    const verdict = (message: ReturnType<typeof offer>) =>
      alone.clear().receive(7, message).onlySent("offered").verdicts[0];
    expect(verdict(offer(5))).toBe("wanted");
    alone.offered(stored("color", { sequence: 5 }));
    expect(verdict(offer(5))).toBe("held");
    expect(verdict(offer(4))).toBe("newer");
    expect(verdict(offer(6))).toBe("wanted");
    expect(verdict(offer(5, keyOfName("other")))).toBe("wanted");
  });

  test("of somebody who is far from the key does not keep us from looking after the record", () => {
    const others = Array.from({ length: 40 }, (_, i) => i + 1);
    const near = routerOf(0, others).replicas(keyOfShared("color"), 41);
    const self = near.findIndex(({ node }) => node === 0);
    const alone = replica({ replicas: 8 }, others);
    expect(self).toBeLessThan(32);
    alone.offered(stored("color", { sequence: 5 }));
    alone.receive(near[40]!.node, offer(5));
    expect(alone.store.counters.replica.suppressed).toBe(0);
    alone.receive(near.find(({ node }) => node !== 0)!.node, offer(5));
    expect(alone.store.counters.replica.suppressed).toBe(1);
  });
});

describe("commands that make no sense are refused before anything happens", () => {
  const value = bytes("x");
  test.each([
    [{ type: "put", request: 1, name: "color", value: "text" as never }, "value"],
    [{ type: "put", request: 1, name: "color", value: new Uint8Array(65_537) }, "value"],
    [{ type: "put", request: 1, value }, "name"],
    [{ type: "put", request: 1, name: "n".repeat(257), value }, "name"],
    [{ type: "put", request: 1, kind: "immutable", name: "color", value }, "name"],
    [{ type: "put", request: 1, kind: "immutable", cas: 1, value }, "sequence"],
    [{ type: "put", request: 1, name: "color", value, cas: -1 }, "cas"],
    [{ type: "put", request: 1, name: "color", value, cas: 1, sequence: 2 }, "cas"],
    [{ type: "put", request: 1, name: "color", value, cas: 1, writeQuorum: 4 }, "writeQuorum"],
    [{ type: "put", request: 1, name: "color", value, sequence: 0 }, "sequence"],
    [{ type: "put", request: 1, name: "color", value, lifetimeMs: 10 }, "lifetimeMs"],
    [{ type: "put", request: 1, name: "color", value, replicas: 0 }, "replicas"],
    [{ type: "put", request: 1, name: "color", value, replicas: 33 }, "replicas"],
    [{ type: "put", request: 1, name: "color", value, replicas: 3, writeQuorum: 4 }, "writeQuorum"],
    [{ type: "get", request: 1, name: "color", readQuorum: 9 }, "readQuorum"],
    [{ type: "get", request: 1 }, "name"],
    [{ type: "get", request: 1, key: "zz" }, "key"],
    [{ type: "delete", request: 1, kind: "immutable" as never, name: "color" }, "kind"],
    [{ type: "delete", request: 1, name: "" }, "name"],
  ] as [StoreCommand, string][])("%j: the error names %s", (command, option) => {
    const alone = replica();
    expect(() => alone.command(command)).toThrow(new RegExp(`^${option}: `));
    expect(alone.effects).toEqual([]);
    expect(alone.store.operations).toBe(0);
  });

  test("and more operations than may be under way end at once, saying so", () => {
    const alone = replica({ maxOperations: 2 });
    for (let request = 1; request <= 3; request++) alone.command({ type: "get", request, name: "color" });
    expect(alone.noticesOf("store-ended")).toMatchObject([{ request: 3, outcome: "busy" }]);
  });

  test("an operation that was cancelled says nothing any more", () => {
    const alone = replica();
    alone.command({ type: "get", request: 1, name: "color" }).command({ type: "cancel", request: 1 });
    alone.pass(60_000);
    expect(alone.noticesOf("store-ended")).toEqual([]);
    expect(alone.store.operations).toBe(0);
  });

  test("an operation of which the router says nothing ends, and leaves nothing behind", () => {
    const alone = replica();
    alone.command({ type: "put", request: 1, name: "color", value });
    alone.pass(60_000);
    expect(alone.noticesOf("store-ended")).toHaveLength(1);
    expect([alone.store.operations, alone.store.questions]).toEqual([0, 0]);
  });
});

test("whatever peers send in whatever order, nothing is thrown, and all bounds hold", () => {
  const names = ["a", "b", "c"];
  const from = fc.constantFrom<NodeId>(1, 2, 7, 99);
  const name = fc.constantFrom(...names);
  const nonce = fc.nat(5);
  const record = fc
    .tuple(name, fc.nat(4), fc.constantFrom(writer, 6), fc.nat(2000), fc.boolean())
    .map(([one, sequence, signer, lifetime, isDeleted]) =>
      stored(one, { sequence, lifetimeMs: lifetime, ...(isDeleted ? { value: undefined } : {}) }, signer),
    );
  const address = name.map((one) => ({ kind: "shared" as const, key: keyOfShared(one), name: one }));
  const message: fc.Arbitrary<StoreMessage> = fc.oneof(
    fc.record({
      type: fc.constant("store" as const),
      nonce,
      purpose: fc.constantFrom("put" as const, "replica" as const, "cache" as const),
      record,
      ticket: fc.nat(3),
      lifetimeMs: fc.nat(3000),
    }),
    fc.tuple(address, nonce, fc.nat(5), fc.nat(3)).map(([one, n, sequence, ticket]) => ({
      type: "reserve" as const,
      nonce: n,
      ...one,
      sequence,
      ticket,
    })),
    fc.tuple(address, nonce).map(([{ kind, key }, n]) => ({ type: "fetch" as const, nonce: n, kind, key })),
    fc.tuple(fc.array(record, { maxLength: 4 }), nonce).map(([records, n]) => ({
      type: "offer" as const,
      nonce: n,
      entries: records.map(({ statement }) => ({ ...statement, digest: digestOf(statement) })),
    })),
    fc.record({ type: fc.constant("stored" as const), nonce }),
    fc.record({ type: fc.constant("offered" as const), nonce, verdicts: fc.constant(["wanted" as const]) }),
  );
  const step = fc.tuple(from, message, fc.nat(1500));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const alone = replica({ maxRecords: 2, maxCachedRecords: 1, maxPromises: 2, republishIntervalMs: 500 });
      for (const [sender, one, pause] of steps) {
        alone.receive(sender, one).pass(pause);
        expect(alone.store.table.size).toBeLessThanOrEqual(2);
        for (const entry of alone.store.table.entries()) {
          expect(names).toContain(entry.record.statement.name);
          expect(new SimulatedSignatures(0).verify(writer, entry.record.statement, entry.record.proof)).toBe(
            true,
          );
        }
      }
    }),
    { numRuns: 300 },
  );
});
