import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PackedSet } from "./packed-set.ts";

const step = fc.record({ kind: fc.constantFrom("add", "delete" as const), item: fc.nat(12) });

describe("a packed set beside a plain set", () => {
  test("answers and holds the same, with every item at one place of the array", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const packed = new PackedSet<number>();
        const plain = new Set<number>();
        for (const { kind, item } of steps) {
          const isChange = kind === "add" ? !plain.has(item) : plain.has(item);
          expect(packed[kind](item)).toBe(isChange);
          plain[kind](item);
          expect(packed.size).toBe(plain.size);
          expect(packed.items.toSorted((a, b) => a - b)).toEqual([...plain].sort((a, b) => a - b));
          for (let each = 0; each <= 12; each++) expect(packed.has(each)).toBe(plain.has(each));
        }
      }),
    );
  });

  test("is in the same order after the same steps", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const orders = [new PackedSet<number>(), new PackedSet<number>()].map((packed) => {
          for (const { kind, item } of steps) packed[kind](item);
          return packed.items;
        });
        expect(orders[0]).toEqual(orders[1]);
      }),
    );
  });
});

test("the last item moves into the gap", () => {
  const packed = new PackedSet<string>();
  for (const item of ["a", "b", "c", "d"]) packed.add(item);
  packed.delete("b");
  expect(packed.items).toEqual(["a", "d", "c"]);
  packed.delete("c");
  expect(packed.items).toEqual(["a", "d"]);
});

test("an undefined item is an item", () => {
  const packed = new PackedSet<undefined>();
  expect([packed.add(undefined), packed.add(undefined), packed.has(undefined), packed.size]).toEqual([
    true,
    false,
    true,
    1,
  ]);
});
