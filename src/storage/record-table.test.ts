import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { StoredRecord } from "../core/index.ts";
import { type Admission, RecordTable, type TableOptions } from "./record-table.ts";
import { bytesOfRecord, keyOfShared, keyOfValue } from "./records.ts";
import { storeOptions } from "./store-options.ts";

const lifetimeMs = 100_000;

function record(name: string, { writer = "w", size = 10, sequence = 1 } = {}): StoredRecord {
  const statement = {
    type: "record",
    kind: "shared",
    key: keyOfShared(name),
    name,
    value: new Uint8Array(size),
    sequence,
    writer,
    writtenAt: 0,
    lifetimeMs,
  } as const;
  return { statement, proof: new Uint8Array(0) };
}

const usual = { source: "s", isCached: false, rank: 0, now: 0, checkAt: 10 };
const table = (options: Partial<TableOptions> = {}) =>
  new RecordTable(storeOptions({ replicas: 4, ...options }));
const admit = (to: RecordTable, name: string, more: Partial<Admission> & { writer?: string } = {}) =>
  to.admit({ ...usual, record: record(name, { writer: more.writer ?? "w" }), ...more });

describe("a table of records", () => {
  test("keeps one for each kind and key, and finds them by key", () => {
    const kept = table();
    admit(kept, "a");
    admit(kept, "a", { record: record("a", { sequence: 2 }) });
    const value = new Uint8Array(3);
    const { statement } = record("");
    const immutable = { ...statement, kind: "immutable", key: keyOfShared("a"), value, writer: "" } as const;
    admit(kept, "a", { record: { statement: immutable, proof: value } });
    expect(kept.size).toBe(2);
    expect(
      kept.recordsOf(keyOfShared("a")).map(({ statement }) => [statement.kind, statement.sequence]),
    ).toEqual([
      ["immutable", 1],
      ["shared", 2],
    ]);
    expect(kept.recordsOf(keyOfValue(value))).toEqual([]);
  });

  test("counts what it has, whatever comes and goes", () => {
    const step = fc.record({
      name: fc.constantFrom("a", "b", "c", "d", "e"),
      writer: fc.constantFrom("w", "v"),
      source: fc.constantFrom("s", "t", undefined),
      size: fc.nat(400),
      isCached: fc.boolean(),
      rank: fc.nat(12),
      isElsewhere: fc.boolean(),
      isRemoved: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const kept = table({
          maxRecords: 4,
          maxTotalBytes: 1500,
          maxCachedRecords: 2,
          maxRecordsPerWriter: 3,
        });
        for (const { name, writer, size, isElsewhere, isRemoved, ...admission } of steps) {
          const admitted = kept.admit({ ...usual, ...admission, record: record(name, { writer, size }) });
          if (admitted !== undefined) admitted.entry.isElsewhere = isElsewhere;
          if (isRemoved && admitted !== undefined) kept.remove(admitted.entry);
          const entries = [...kept.entries()];
          expect(kept.size).toBe(entries.length);
          expect(kept.size).toBeLessThanOrEqual(4);
          expect(kept.bytes).toBe(entries.reduce((sum, one) => sum + bytesOfRecord(one.record), 0));
          expect(kept.bytes).toBeLessThanOrEqual(1500);
          expect(kept.cached).toBe(entries.filter((one) => one.isCached).length);
          expect(kept.cached).toBeLessThanOrEqual(2);
          for (const who of ["w", "v"])
            expect(entries.filter((one) => one.writer === who).length).toBeLessThanOrEqual(3);
        }
      }),
    );
  });

  test("that is full makes room with cached copies first, the one that ends first before others", () => {
    const kept = table({ maxRecords: 3 });
    admit(kept, "late copy", { isCached: true, lifetimeMs: 900 });
    admit(kept, "early copy", { isCached: true, lifetimeMs: 500 });
    admit(kept, "far", { rank: 30 })!.entry.isElsewhere = true;
    expect(admit(kept, "new")?.evicted.map(({ record }) => record.statement.name)).toEqual(["early copy"]);
    expect(admit(kept, "newer")?.evicted.map(({ record }) => record.statement.name)).toEqual(["late copy"]);
    expect(admit(kept, "newest")?.evicted.map(({ record }) => record.statement.name)).toEqual(["far"]);
    expect(admit(kept, "too much")).toBeUndefined();
    expect(kept.counters).toMatchObject({ evictedCached: 2, evictedFar: 1, refusedTotal: 1 });
  });

  test("then with what others keep: the farthest, and only for a nearer one", () => {
    const kept = table({ maxRecords: 3 });
    for (const [name, rank] of [
      ["far", 9],
      ["farther", 12],
      ["near", 3],
    ] as const)
      admit(kept, name, { rank })!.entry.isElsewhere = true;
    expect(admit(kept, "farthest", { rank: 12 })).toBeUndefined();
    expect(admit(kept, "new", { rank: 11 })?.evicted.map(({ record }) => record.statement.name)).toEqual([
      "farther",
    ]);
    // Nobody else is known to have "new" yet.
    const evicted = admit(kept, "newer", { rank: 0 })!.evicted;
    expect(evicted.map(({ record }) => record.statement.name)).toEqual(["far"]);
  });

  test("never with a record that is needed here, however much somebody sends", () => {
    const kept = table({ maxRecords: 50, maxRecordsPerWriter: 50, maxRecordsPerSource: 50 });
    for (let i = 0; i < 10; i++)
      admit(kept, `needed ${i}`, { rank: i % 4, writer: "honest", source: "honest" });
    // Far, but nobody else is known to have it.
    admit(kept, "only here", { rank: 20, writer: "honest", source: "honest" });
    for (let i = 0; i < 500; i++)
      admit(kept, `junk ${i}`, { rank: 0, writer: "outsider", source: "outsider" });
    const names = [...kept.entries()].map(({ record }) => record.statement.name);
    for (let i = 0; i < 10; i++) expect(names).toContain(`needed ${i}`);
    expect(names).toContain("only here");
    expect(kept.counters.refusedTotal).toBe(461);
  });

  test("gives one source and one writer their share, and others the rest", () => {
    const kept = table({ maxRecords: 20, maxRecordsPerSource: 5, maxRecordsPerWriter: 8 });
    for (let i = 0; i < 20; i++) admit(kept, `a ${i}`, { source: "s", writer: "w" });
    expect(kept.size).toBe(5);
    for (let i = 0; i < 20; i++) admit(kept, `b ${i}`, { source: `t${i}`, writer: "w" });
    expect(kept.size).toBe(8);
    for (let i = 0; i < 20; i++) admit(kept, `c ${i}`, { source: `t${i}`, writer: `v${i}` });
    expect(kept.size).toBe(20);
    expect(kept.counters).toMatchObject({ refusedSource: 15, refusedWriter: 17, refusedTotal: 8 });
  });

  test("takes a newer record in the place of an older one also when it is full, and keeps that one if it is too long", () => {
    const kept = table({ maxRecords: 1, maxTotalBytes: 1024 });
    admit(kept, "a");
    expect(admit(kept, "a", { record: record("a", { sequence: 2 }) })).toBeDefined();
    expect(admit(kept, "a", { record: record("a", { sequence: 3, size: 900 }) })).toBeUndefined();
    expect([...kept.entries()].map(({ record }) => record.statement.sequence)).toEqual([2]);
  });
});
