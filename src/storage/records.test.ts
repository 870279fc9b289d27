import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytes } from "../../test/support/store-network.ts";
import { keyOfName, type RecordStatement, trustEverybody, UsageError } from "../core/index.ts";
import {
  addressOfRecord,
  checkLifetime,
  compareRecords,
  digestOf,
  faultOf,
  isSigned,
  keyOfOwned,
  keyOfShared,
  keyOfValue,
} from "./records.ts";
import { deletionLifetimeMs, maxLifetimeMs, maxNameLength, maxValueBytes } from "./store-messages.ts";

const value = bytes("green");
const shared: RecordStatement = {
  type: "record",
  kind: "shared",
  key: keyOfShared("color"),
  name: "color",
  value,
  sequence: 3,
  writer: "ab".repeat(20),
  writtenAt: 1_000_000,
  lifetimeMs: 10_000,
};
const owned: RecordStatement = { ...shared, kind: "owned", key: keyOfOwned(shared.writer, "color") };
const immutable: RecordStatement = {
  ...shared,
  kind: "immutable",
  key: keyOfValue(value),
  name: "",
  sequence: 0,
  writer: "",
};
const now = 1_001_000;
const fault = (statement: RecordStatement, at = now) => faultOf(statement, at, 5000);

describe("a record is sound", () => {
  test("if its key follows from what it says, and its time has come and is not over", () => {
    for (const one of [shared, owned, immutable]) expect(fault(one)).toBeUndefined();
    expect(fault({ ...shared, value: undefined, lifetimeMs: deletionLifetimeMs })).toBeUndefined();
  });

  const wrong: [string, RecordStatement, string][] = [
    ["a key of another name", { ...shared, key: keyOfShared("shape") }, "malformed"],
    ["a key of another owner", { ...owned, writer: "cd".repeat(20) }, "malformed"],
    ["an owned record under the key of its name alone", { ...owned, key: shared.key }, "malformed"],
    ["a key of another value", { ...immutable, value: bytes("blue") }, "malformed"],
    ["an immutable record without a value", { ...immutable, value: undefined }, "malformed"],
    ["an immutable record with a number", { ...immutable, sequence: 1 }, "malformed"],
    ["an immutable record with a writer", { ...immutable, writer: shared.writer }, "malformed"],
    ["a shared record without a writer", { ...shared, writer: "" }, "malformed"],
    ["a shared record without a number", { ...shared, sequence: 0 }, "malformed"],
    ["a number that is not safe", { ...shared, sequence: 2 ** 53 }, "malformed"],
    ["half a number", { ...shared, sequence: 1.5 }, "malformed"],
    ["a life of no time", { ...shared, lifetimeMs: 999 }, "malformed"],
    ["too long a life", { ...shared, lifetimeMs: maxLifetimeMs + 1 }, "malformed"],
    [
      "too long a life of a deletion",
      { ...shared, value: undefined, lifetimeMs: deletionLifetimeMs + 1 },
      "malformed",
    ],
    ["too long a value", { ...shared, value: new Uint8Array(maxValueBytes + 1) }, "malformed"],
    [
      "too long a name",
      { ...shared, name: "n".repeat(maxNameLength + 1), key: keyOfShared("n".repeat(maxNameLength + 1)) },
      "malformed",
    ],
    ["one from the future", { ...shared, writtenAt: now + 5001 }, "ahead"],
    ["one whose time is over", { ...shared, writtenAt: now - 10_000 }, "expired"],
  ];
  test.each(wrong)("and not %s", (_name, statement, expected) => {
    expect(fault(statement)).toBe(expected);
  });

  test("if its writer has signed it; immutable ones need nobody", () => {
    const nobody = { ...trustEverybody, verify: () => false };
    const proof = new Uint8Array(0);
    expect(isSigned({ statement: shared, proof }, nobody)).toBe(false);
    expect(isSigned({ statement: shared, proof }, trustEverybody)).toBe(true);
    expect(isSigned({ statement: immutable, proof }, nobody)).toBe(true);
  });
});

describe("of two records", () => {
  const statement = fc.record({
    type: fc.constant("record" as const),
    kind: fc.constant("shared" as const),
    key: fc.constant(shared.key),
    name: fc.constant("color"),
    value: fc.option(fc.uint8Array({ maxLength: 3, max: 2 }), { nil: undefined }),
    sequence: fc.integer({ min: 1, max: 3 }),
    writer: fc.constantFrom("aa", "bb"),
    writtenAt: fc.integer({ min: 1, max: 3 }),
    lifetimeMs: fc.integer({ min: 1, max: 3 }),
  });

  test("the same one counts, whoever compares and in whatever order they come", () => {
    fc.assert(
      fc.property(statement, statement, statement, (a, b, c) => {
        expect(Math.sign(compareRecords(a, b))).toBe(-Math.sign(compareRecords(b, a)) + 0);
        if (compareRecords(a, b) >= 0 && compareRecords(b, c) >= 0)
          expect(compareRecords(a, c)).toBeGreaterThanOrEqual(0);
        expect(compareRecords(a, b) === 0).toBe(digestOf(a) === digestOf(b));
      }),
      { numRuns: 2000 },
    );
  });

  test("the higher number counts, then the deletion, then the larger value, and last the longer life", () => {
    const ascending: RecordStatement[] = [
      shared,
      { ...shared, lifetimeMs: 20_000 },
      { ...shared, writer: "ac".repeat(20) },
      { ...shared, value: bytes("greener") },
      { ...shared, value: bytes("red") },
      { ...shared, value: undefined },
      { ...shared, sequence: 4, value: bytes("") },
    ];
    for (let i = 1; i < ascending.length; i++)
      expect(compareRecords(ascending[i]!, ascending[i - 1]!)).toBeGreaterThan(0);
  });
});

describe("a record is named", () => {
  test("by its name, its owner and name, or its key", () => {
    expect(addressOfRecord({ kind: "shared", name: "color" }, 3)).toEqual({
      kind: "shared",
      key: keyOfName("color"),
    });
    expect(addressOfRecord({ kind: "owned", name: "color" }, 3).key).toBe(keyOfOwned(3, "color"));
    expect(addressOfRecord({ kind: "owned", name: "color", owner: "id@10.0.0.1:1" }, 3).key).toBe(
      keyOfOwned("id", "color"),
    );
    expect(addressOfRecord({ kind: "immutable", key: immutable.key }, 3)).toEqual({
      kind: "immutable",
      key: immutable.key,
    });
  });

  test.each([
    [{ kind: "immutable" as const, name: "color" }, "key"],
    [{ kind: "shared" as const, key: "xyz" }, "key"],
    [{ kind: "shared" as const, key: shared.key, name: "color" }, "key"],
    [{ kind: "shared" as const, name: "" }, "name"],
    [{ kind: "shared" as const, name: "n".repeat(257) }, "name"],
    [{ kind: "shared" as const, name: "\ud800" }, "name"],
    [{ kind: "mutable" as never, name: "color" }, "kind"],
  ])("and not by %j: the error names %s", (name, option) => {
    expect(() => addressOfRecord(name, 3)).toThrow(UsageError);
    expect(() => addressOfRecord(name, 3)).toThrow(new RegExp(`^${option}: `));
  });

  test("two owners never share a key, whatever they call their records", () => {
    expect(keyOfOwned("a", "b")).not.toBe(keyOfOwned("ab", ""));
  });

  test("and lives for a second to thirty days", () => {
    for (const ms of [1000, maxLifetimeMs]) expect(() => checkLifetime(ms)).not.toThrow();
    for (const ms of [999, maxLifetimeMs + 1, 1.5]) expect(() => checkLifetime(ms)).toThrow(/^lifetimeMs: /);
  });
});
