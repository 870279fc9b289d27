import { describe, expect, test } from "vitest";
import { keyOfName, type RecordStatement, type RememberedContacts } from "../core/index.ts";
import { keyOfShared } from "../storage/records.ts";
import type { StoreMessage } from "../storage/store-messages.ts";
import { Codec } from "../wire/index.ts";
import { persist, remember } from "./persistence.ts";
import type { Store } from "./store.ts";

const codec = new Codec();

class MemoryStore implements Store {
  readonly map = new Map<string, Uint8Array>();
  async entries(prefix: string): Promise<[string, Uint8Array][]> {
    return [...this.map].filter(([key]) => key.startsWith(prefix)).sort();
  }
  put(key: string, value: Uint8Array | undefined): void {
    if (value === undefined) this.map.delete(key);
    else this.map.set(key, value);
  }
  async flush(): Promise<void> {}
  async close(): Promise<void> {}
  text(key: string, text: string): void {
    this.map.set(key, new TextEncoder().encode(text));
  }
}

const contact = (i: number) => `${keyOfName(String(i))}@127.0.0.1:${9000 + i}`;

describe("a router's table", () => {
  const table: RememberedContacts = {
    type: "remembered-contacts",
    savedAt: 1000,
    contacts: [1, 2].map((i) => ({ node: contact(i), ageMs: 5.4 * i })),
  };

  test.each(["kademlia", "chord", "pastry"] as const)("of %s comes back with the ages", async (router) => {
    const store = new MemoryStore();
    persist(store, codec, router, { type: "persist", key: "table", value: table, isAwaited: false });
    const { routing, unreadable } = await remember(store, codec);
    expect(unreadable).toBe(0);
    expect(routing[router]).toEqual({
      ...table,
      contacts: [
        { node: contact(1), ageMs: 5 },
        { node: contact(2), ageMs: 11 },
      ],
    });
    persist(store, codec, router, { type: "persist", key: "table", value: undefined, isAwaited: false });
    expect((await remember(store, codec)).routing[router]).toBeUndefined();
  });

  test("loses contacts that are none, which are counted, and keeps the others", async () => {
    const store = new MemoryStore();
    const id = keyOfName("x");
    const rubbish = [
      ["", 0],
      [id, 0],
      [`${id}@`, 0],
      [`@127.0.0.1:9000`, 0],
      [`${id.toUpperCase()}@127.0.0.1:9000`, 0],
      [`${id}@127.0.0.1:0`, 0],
      [`${id}@127.0.0.1:70000`, 0],
      [`${id}@127.0.0.1:09000`, 0],
      [`${id}@10.0.0.256:9000`, 0],
      [`${id}@${"a".repeat(60)}.${"b".repeat(250)}:9000`, 0],
      [`${id}@ho\u001bst:9000`, 0],
      [`${id}@::1:9000`, 0],
      [contact(1), -1],
      [contact(1), 0.5],
      [contact(1), "old"],
      [contact(1)],
      contact(1),
      null,
    ];
    store.text(
      "chord/table",
      JSON.stringify({ savedAt: 7, contacts: [...rubbish, [contact(2), 3], [`${id}@[::1]:9000`, 4]] }),
    );
    const { routing, unreadable } = await remember(store, codec);
    expect(routing.chord?.contacts).toEqual([
      { node: contact(2), ageMs: 3 },
      { node: `${id}@[::1]:9000`, ageMs: 4 },
    ]);
    expect(unreadable).toBe(rubbish.length);
  });

  test("that is too long is cut, and one that is no table is one loss", async () => {
    const store = new MemoryStore();
    const many = Array.from({ length: 8200 }, (_, i) => [contact(i), 0]);
    store.text("kademlia/table", JSON.stringify({ savedAt: 7, contacts: many }));
    store.text("chord/table", "[");
    store.text("pastry/table", JSON.stringify({ savedAt: -1, contacts: [] }));
    const { routing, unreadable } = await remember(store, codec);
    expect(routing.kademlia?.contacts).toHaveLength(8192);
    expect(routing.chord).toBeUndefined();
    expect(routing.pastry).toBeUndefined();
    expect(unreadable).toBe(8 + 2);
    store.map.clear();
    store.text("chord/table", `{"savedAt":7,"contacts":[]}${" ".repeat(4 * 1024 * 1024)}`);
    expect((await remember(store, codec)).unreadable).toBe(1);
  });
});

test("records come back; rubbish, questions of others and what stands under a wrong name are counted", async () => {
  const store = new MemoryStore();
  const key = keyOfShared("name");
  const statement: RecordStatement = {
    type: "record",
    kind: "shared",
    key,
    name: "name",
    value: Uint8Array.of(1),
    sequence: 3,
    writer: keyOfName("writer"),
    writtenAt: 1000,
    lifetimeMs: 60_000,
  };
  const kept: StoreMessage = {
    ...{ type: "store", nonce: 0, purpose: "replica", ticket: 0, lifetimeMs: 0 },
    record: { statement, proof: Buffer.alloc(160, 1) as never },
  };
  const write = (layer: string, name: string, value: unknown) =>
    persist(store, codec, layer, { type: "persist", key: name, value, isAwaited: true });
  write("store", `record/shared/${key}`, kept);
  write("store", "record/a-question", {
    type: "fetch",
    nonce: 1,
    kind: "shared",
    key,
  } satisfies StoreMessage);
  store.map.set("elsewhere/record", store.map.get(`store/record/shared/${key}`)!);
  store.map.set("store/record/cut", store.map.get(`store/record/shared/${key}`)!.slice(0, 40));
  store.map.set("store/record/empty", new Uint8Array());
  store.map.set(
    "store/record/noise",
    Uint8Array.from({ length: 300 }, (_, i) => (i * 37) & 255),
  );
  const { routing, unreadable } = await remember(store, codec);
  expect(routing.records).toHaveLength(1);
  expect(routing.records![0]).toMatchObject({ type: "store", purpose: "replica", record: { statement } });
  expect(unreadable).toBe(5);
});
