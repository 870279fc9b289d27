import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRandom, UsageError } from "../core/index.ts";
import { idBytes } from "./packed-ids.ts";
import { RangeFingerprints } from "./range-fingerprints.ts";

/** An id whose order is that of the number, with a tail that fills all words. */
function idOf(value: number, tail = 0xff): Uint8Array {
  const id = new Uint8Array(idBytes).fill(tail);
  for (let i = 0; i < 4; i++) id[i] = value >>> (24 - 8 * i);
  return id;
}
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const packed = (ids: readonly Uint8Array[]) => Uint8Array.from(ids.flatMap((id) => [...id]));
const unpacked = (ids: Uint8Array) =>
  Array.from({ length: ids.length / idBytes }, (_, i) => hex(ids.subarray(i * idBytes, (i + 1) * idBytes)));

/** What the tree must say, from a sorted list and whole numbers of any length. */
function sumOf(ids: readonly string[]): bigint {
  return ids.reduce((sum, id) => sum + BigInt(`0x${id}`), 0n) % 2n ** 256n;
}
const sumIn = (set: RangeFingerprints, rank: number) =>
  [...set.sumBefore(rank)].reduce((sum, word) => sum * 2n ** 32n + BigInt(word), 0n);

function expectSame(set: RangeFingerprints, ids: ReadonlySet<string>): void {
  const sorted = [...ids].sort();
  expect(set.size).toBe(sorted.length);
  expect(unpacked(set.ids(0, set.size))).toEqual(sorted);
  for (const rank of [0, 1, sorted.length >> 1, sorted.length - 1, sorted.length])
    if (rank >= 0) expect(sumIn(set, rank)).toBe(sumOf(sorted.slice(0, rank)));
}

describe("beside a sorted list", () => {
  test("is the same set after any additions and removals", () => {
    const step = fc.record({ adds: fc.boolean(), value: fc.nat(300) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 1500, size: "max" }), (steps) => {
        const set = new RangeFingerprints();
        const plain = new Set<string>();
        for (const { adds, value } of steps) {
          const id = idOf(value);
          expect(adds ? set.add(id) : set.delete(id)).toBe(adds ? !plain.has(hex(id)) : plain.has(hex(id)));
          if (adds) plain.add(hex(id));
          else plain.delete(hex(id));
        }
        expectSame(set, plain);
        for (const { value } of steps) expect(set.has(idOf(value))).toBe(plain.has(hex(idOf(value))));
      }),
      { numRuns: 60 },
    );
  });

  test("grows to thousands and shrinks to nothing, in any order, and stays right", () => {
    const random = seededRandom(7);
    const set = new RangeFingerprints();
    const plain = new Set<string>();
    for (const share of [0.9, 0.2, 0.7, 0.05, 0.5, 0]) {
      for (let i = 0; i < 6000; i++) {
        const id = idOf(random.below(5000), random.below(2));
        const adds = random.unit() < share;
        if (adds) set.add(id);
        else set.delete(id);
        if (adds) plain.add(hex(id));
        else plain.delete(hex(id));
      }
      expectSame(set, plain);
    }
    for (const id of plain) set.delete(Uint8Array.from(Buffer.from(id, "hex")));
    expectSame(set, new Set());
  });

  test("what is built at once is what is added one by one", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100_000), { maxLength: 3000, size: "max" }), (values) => {
        const ids = values.map((value) => idOf(value));
        const built = RangeFingerprints.of(packed(ids));
        const added = new RangeFingerprints();
        for (const id of ids) added.add(id);
        expect(hex(built.ids(0, built.size))).toBe(hex(added.ids(0, added.size)));
        expect(built.fingerprint(0, built.size)).toEqual(added.fingerprint(0, added.size));
        // … and goes on as such.
        for (const id of ids.slice(0, 100)) {
          expect(built.delete(id)).toBe(added.delete(id));
          expect(built.fingerprint(0, built.size)).toEqual(added.fingerprint(0, added.size));
        }
      }),
      { numRuns: 20 },
    );
  });

  test("ranks count the ids below a bound, whatever its length", () => {
    const set = RangeFingerprints.of(packed([10, 20, 30, 40].map((value) => idOf(value, 0))));
    expect(set.rankOf(new Uint8Array())).toBe(0);
    expect(set.rankOf(idOf(20, 0))).toBe(1);
    expect(set.rankOf(idOf(20, 1))).toBe(2);
    expect(set.rankOf(Uint8Array.of(0, 0, 0, 20))).toBe(1);
    expect(set.rankOf(Uint8Array.of(1))).toBe(4);
    expect(hex(set.idAt(2))).toBe(hex(idOf(30, 0)));
    expect(() => set.idAt(4)).toThrow(UsageError);
  });
});

describe("the fingerprint", () => {
  test("of a range is that of a set with just these ids", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(10_000), { maxLength: 400 }),
        fc.nat(400),
        fc.nat(400),
        (values, a, b) => {
          const set = RangeFingerprints.of(packed(values.map((value) => idOf(value))));
          const from = Math.min(a, b, set.size);
          const to = Math.min(Math.max(a, b), set.size);
          const part = RangeFingerprints.of(set.ids(from, to));
          expect(set.fingerprint(from, to)).toEqual(part.fingerprint(0, part.size));
        },
      ),
    );
  });

  test("tells sets of equal sums apart by their counts", () => {
    const zero = RangeFingerprints.of(new Uint8Array(idBytes));
    const empty = new RangeFingerprints();
    expect(zero.sumBefore(1)).toEqual(empty.sumBefore(0));
    expect(zero.fingerprint(0, 1)).not.toEqual(empty.fingerprint(0, 0));
  });

  test("carries from word to word", () => {
    const ones = RangeFingerprints.of(packed([idOf(0, 0xff), idOf(1, 0xff)]));
    expect(sumIn(ones, 2)).toBe(sumOf([hex(idOf(0, 0xff)), hex(idOf(1, 0xff))]));
  });
});

test("ids that are cut off are the caller's mistake", () => {
  expect(() => RangeFingerprints.of(new Uint8Array(33))).toThrow(UsageError);
});
