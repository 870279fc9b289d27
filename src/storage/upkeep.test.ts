/** What a node does for the records that it keeps, seen from that node: whom it offers them to, how many, and when. */
import { describe, expect, test } from "vitest";
import { Alone } from "../../test/support/alone.ts";
import { routerOf as anyRouterOf, keyedNode } from "../../test/support/still-router.ts";
import { bytes } from "../../test/support/store-network.ts";
import {
  compareUp,
  type KeyedNode,
  type LookupReport,
  type NodeId,
  type StoredRecord,
  trustEverybody,
} from "../core/index.ts";
import { keyOfShared } from "./records.ts";
import { Store } from "./store.ts";
import type { StoreCommand, StoreNotice } from "./store-commands.ts";
import type { OfferVerdict, StoreMessage } from "./store-messages.ts";
import type { StoreOptions } from "./store-options.ts";
import type { StoreTimer } from "./store-parts.ts";

const hour = 3_600_000;
const others = Array.from({ length: 20 }, (_, i) => i + 1);

function stored(name: string, size = 5): StoredRecord {
  return {
    statement: {
      type: "record",
      kind: "shared",
      key: keyOfShared(name),
      name,
      value: new Uint8Array(size),
      sequence: 1,
      writer: 99,
      writtenAt: 1,
      lifetimeMs: 48 * hour,
    },
    proof: bytes(""),
  };
}

/** By the ring: there every node is first for some keys, second for others, and so on. */
const routerOf = (self: NodeId, known: readonly NodeId[]) => anyRouterOf(self, known, compareUp);

class Keeper extends Alone<StoreMessage, StoreTimer, StoreNotice, StoreCommand> {
  readonly store: Store;

  constructor(store: Store) {
    super(0, store);
    this.store = store;
    this.start();
  }

  keep(record: StoredRecord, from: NodeId = 99): this {
    const message = {
      type: "store",
      nonce: 1,
      purpose: "replica",
      record,
      ticket: 0,
      lifetimeMs: 0,
    } as const;
    return this.receive(from, message).clear();
  }
  /** Everybody who was offered something says this to all of it. */
  verdict(verdict: OfferVerdict, from?: NodeId): this {
    const offers = this.sentOf("offer").filter(({ to }) => from === undefined || to === from);
    this.clear();
    for (const { to, nonce, entries } of offers)
      this.receive(to, { type: "offered", nonce, verdicts: entries.map(() => verdict) });
    return this;
  }
  /** Everybody who was sent a record has it now. */
  takeAll(): this {
    const stores = this.sentOf("store");
    this.clear();
    for (const { to, nonce } of stores) this.receive(to, { type: "stored", nonce });
    return this;
  }
  report(closest: readonly KeyedNode[], outcome: LookupReport["outcome"] = "found"): this {
    const [asked] = this.noticesOf("find-nodes");
    const report = { key: asked!.key, outcome, closest } as unknown as LookupReport;
    return this.clear().hear({
      type: "lookup-ended",
      asker: "store",
      request: asked!.request,
      report,
    } as any);
  }
}

function keeper(options: Partial<StoreOptions> = {}, known: readonly NodeId[] = others): Keeper {
  const router = routerOf(0, known);
  return new Keeper(
    new Store({ router, keyedNode, signatures: trustEverybody, options: { replicas: 3, ...options } }),
  );
}

/** The first names whose place in the order of responsibility is such, by the nodes that are there. */
function named(accept: (rank: number) => boolean, count = 1, known: readonly NodeId[] = others): string[] {
  const names: string[] = [];
  for (let i = 0; names.length < count; i++) {
    const near = routerOf(0, known).replicas(keyOfShared(`n${i}`), known.length + 1);
    if (accept(near.findIndex(({ node }) => node === 0))) names.push(`n${i}`);
  }
  return names;
}

const replicasOf = (name: string, count = 3) => routerOf(0, others).replicas(keyOfShared(name), count);

describe("a replica", () => {
  test("offers a record by name to the other replicas once in an hour, and sends it to those that lack it", () => {
    const [name] = named((rank) => rank === 1 || rank === 2);
    const alone = keeper().keep(stored(name!));
    alone.pass(0.85 * hour);
    expect(alone.sentOf("offer")).toEqual([]);
    alone.pass(0.3 * hour);
    const asked = new Set(alone.sentOf("offer").map(({ to }) => to));
    expect([...asked]).toEqual(
      replicasOf(name!)
        .map(({ node }) => node)
        .filter((node) => node !== 0),
    );
    expect(alone.sentOf("store")).toEqual([]);
  });

  test("does nothing in that hour if another one offered it", () => {
    const [name] = named((rank) => rank === 1 || rank === 2);
    const record = stored(name!);
    const alone = keeper().keep(record);
    const [entry] = alone.store.table.entries();
    const { kind, key, sequence } = record.statement;
    const offer = {
      type: "offer",
      nonce: 5,
      entries: [{ kind, key, sequence, digest: entry!.digest }],
    } as const;
    const other = replicasOf(name!).find(({ node }) => node !== 0)!.node;
    alone
      .pass(0.8 * hour)
      .receive(other, offer)
      .clear();
    alone.pass(0.8 * hour);
    expect(alone.sentOf("offer")).toEqual([]);
    expect(alone.store.counters.replica.suppressed).toBe(1);
  });

  test("hands its records to a newcomer at once if no other is more responsible, and else waits for those", () => {
    for (const isFirst of [true, false]) {
      const known = others.slice(0, 10);
      const comes = 11;
      const all = [...known, comes];
      const [name] = named((rank) => (isFirst ? rank === 0 : rank > 0 && rank < 3), 400, known).filter(
        (one) =>
          routerOf(0, all)
            .replicas(keyOfShared(one), 3)
            .some(({ node }) => node === comes),
      );
      const router = { ...routerOf(0, known) };
      const alone = new Keeper(
        new Store({ router, keyedNode, signatures: trustEverybody, options: { replicas: 3 } }),
      );
      alone.keep(stored(name!));
      router.replicas = routerOf(0, all).replicas;
      alone.hear({ type: "contact-up", contact: keyedNode(comes) } as any).pass(1000);
      expect(alone.sentOf("offer").some(({ to }) => to === comes)).toBe(isFirst);
      alone.pass(15_000);
      expect(alone.sentOf("offer").some(({ to }) => to === comes)).toBe(true);
    }
  });

  test("mends what a dead one leaves behind after a random pause", () => {
    const [name] = named((rank) => rank === 0);
    const alone = keeper().keep(stored(name!));
    const gone = replicasOf(name!)[1]!;
    alone.hear({ type: "contact-down", contact: gone } as any).pass(5500);
    expect(alone.sentOf("offer").length).toBeGreaterThanOrEqual(2);
    // Somebody far away does not matter.
    const [far] = routerOf(0, others).replicas(keyOfShared(name!), 21).slice(-1);
    alone.verdict("held").pass(10_000).clear();
    alone.hear({ type: "contact-down", contact: far! } as any).pass(20_000);
    expect(alone.sentOf("offer")).toEqual([]);
  });

  test("takes the newer record of one that it offered an older one", () => {
    const [name] = named((rank) => rank === 0);
    const alone = keeper({ republishIntervalMs: hour / 2 }).keep(stored(name!));
    alone.passUntil(() => alone.sentOf("offer").length > 0);
    const [offer] = alone.sentOf("offer");
    alone.clear().receive(offer!.to, { type: "offered", nonce: offer!.nonce, verdicts: ["newer"] });
    const fetch = alone.onlySent("fetch");
    const newer = stored(name!);
    const record = { ...newer, statement: { ...newer.statement, sequence: 9 } };
    alone.receive(offer!.to, { type: "fetched", nonce: fetch.nonce, record, isCached: false });
    expect([...alone.store.table.entries()].map((one) => one.record.statement.sequence)).toEqual([9]);
  });

  test("does not listen to an answer that has more or fewer verdicts than the offer had names", () => {
    const [name] = named((rank) => rank === 0);
    const alone = keeper({ republishIntervalMs: hour / 2 }).keep(stored(name!));
    alone.passUntil(() => alone.sentOf("offer").length > 0);
    const [offer] = alone.sentOf("offer");
    alone
      .clear()
      .receive(offer!.to, { type: "offered", nonce: offer!.nonce, verdicts: ["wanted", "wanted"] });
    alone.pass(1000);
    expect(alone.sentOf("store")).toEqual([]);
  });
});

describe("a record that lies far from its node", () => {
  const [name] = named((rank) => rank >= 6 && rank < 12);
  const far = () => {
    const alone = keeper({ republishIntervalMs: hour / 2 }).keep(stored(name!));
    return alone.passUntil(() => alone.noticesOf("find-nodes").length > 0);
  };

  test("is dropped when as many of the responsible as a put needs have it, and not before", () => {
    const alone = far().report(replicasOf(name!));
    expect(alone.sentOf("offer").map(({ to }) => to)).toEqual(replicasOf(name!).map(({ node }) => node));
    const [first, second] = replicasOf(name!);
    alone.verdict("held", first!.node);
    expect(alone.store.size).toBe(1);
    const again = far().report(replicasOf(name!));
    const offers = again.sentOf("offer").filter(({ to }) => to === first!.node || to === second!.node);
    for (const { to, nonce } of offers) again.receive(to, { type: "offered", nonce, verdicts: ["held"] });
    expect(again.store.size).toBe(0);
    expect(again.noticesOf("persist").at(-1)).toMatchObject({ value: undefined });
  });

  test("is sent first to those that lack it, and dropped when they have it on disk", () => {
    const alone = far().report(replicasOf(name!)).verdict("wanted").pass(300);
    expect(alone.sentOf("store")).toHaveLength(3);
    expect(alone.store.size).toBe(1);
    alone.takeAll();
    expect(alone.store.size).toBe(0);
  });

  test("stays if those that are found do not want it, are silent, or may not be the right ones", () => {
    expect(far().report(replicasOf(name!)).verdict("declined").store.size).toBe(1);
    expect(far().report(replicasOf(name!)).pass(10_000).store.size).toBe(1);
    expect(far().report(replicasOf(name!), "deadline").sentOf("offer")).toEqual([]);
    // The lookup says that it is ours after all.
    const ours = far()
      .report([keyedNode(0), ...replicasOf(name!, 2)])
      .verdict("held");
    expect(ours.store.size).toBe(1);
  });
});

describe("upkeep happens in portions", () => {
  const names = named((rank) => rank === 0, 200);

  test("so many records in an interval, however many a newcomer lacks", () => {
    const alone = keeper({ maxUpkeepRecords: 10, upkeepIntervalMs: 250, repairDelayMs: 0 });
    for (const name of names) alone.keep(stored(name));
    alone.hear({ type: "router-joined" } as any);
    alone.passUntil(() => alone.store.counters.upkeep.looks === names.length).verdict("wanted");
    let sent = 0;
    let most = 0;
    for (let i = 0; i < 200; i++) {
      alone.clear().pass(250);
      most = Math.max(most, alone.sentOf("store").length);
      sent += alone.sentOf("store").length;
      alone.takeAll();
    }
    expect(most).toBe(10);
    expect(sent).toBe(2 * names.length);
  });

  test("and so many bytes", () => {
    const alone = keeper({ maxUpkeepBytes: 4096, upkeepIntervalMs: 250, repairDelayMs: 0 });
    for (const name of names.slice(0, 20)) alone.keep(stored(name, 3000));
    alone
      .hear({ type: "router-joined" } as any)
      .pass(6000)
      .verdict("wanted");
    alone.clear().pass(250);
    expect(alone.sentOf("store").length).toBeLessThanOrEqual(2);
  });

  test("names are offered together, so many in a message", () => {
    const alone = keeper({ repairDelayMs: 0, maxOfferedRecords: 50 });
    for (const name of names) alone.keep(stored(name));
    alone.hear({ type: "router-joined" } as any).pass(400);
    const lengths = alone.sentOf("offer").map(({ entries }) => entries.length);
    expect(Math.max(...lengths)).toBe(50);
    expect(lengths.length).toBeLessThan(60);
  });
});

describe("a node that leaves", () => {
  test("offers everything to those that will be responsible, and says when they have it", () => {
    const names = named((rank) => rank <= 2, 10);
    const alone = keeper();
    for (const name of names) alone.keep(stored(name));
    alone.command({ type: "leave" });
    expect(new Set(alone.sentOf("offer").map(({ to }) => to)).size).toBeGreaterThan(2);
    alone.verdict("wanted").pass(2000);
    expect(alone.noticesOf("store-left")).toEqual([]);
    alone.takeAll();
    expect(alone.noticesOf("store-left")).toEqual([{ type: "store-left", records: 10, handedOver: 10 }]);
  });

  test("goes when its time is over, and says what it could not hand over", () => {
    const names = named((rank) => rank <= 2, 10);
    const alone = keeper();
    for (const name of names) alone.keep(stored(name));
    alone.command({ type: "leave" }).clear().pass(5000);
    expect(alone.noticesOf("store-left")).toEqual([{ type: "store-left", records: 10, handedOver: 0 }]);
    alone.pass(60_000);
    expect(alone.noticesOf("store-left")).toHaveLength(1);
  });

  test("with nothing may go at once", () => {
    expect(keeper().command({ type: "leave" }).noticesOf("store-left")).toEqual([
      { type: "store-left", records: 0, handedOver: 0 },
    ]);
  });
});
