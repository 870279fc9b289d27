import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hashNumbers, hashText } from "./hash.ts";

const safeInteger = fc.maxSafeInteger();

function bitsSet(number: number): number {
  return (number >>> 0).toString(2).replaceAll("0", "").length;
}

describe("both hashes", () => {
  test("are integers of 32 bits and the same every time", () => {
    fc.assert(
      fc.property(fc.string(), fc.array(safeInteger), fc.integer(), (text, numbers, seed) => {
        for (const hash of [() => hashText(text, seed), () => hashNumbers(numbers, seed)]) {
          expect(hash()).toBe(hash());
          expect(hash() >>> 0).toBe(hash());
        }
      }),
    );
  });

  test("give these very numbers on every machine", () => {
    expect([hashText(""), hashText("grapevine"), hashText("grapevine", 7)]).toMatchInlineSnapshot(`
      [
        2872998923,
        1476784039,
        4247243700,
      ]
    `);
    expect([hashNumbers([]), hashNumbers([0, 9]), hashNumbers([0, 2 ** 40])]).toMatchInlineSnapshot(`
      [
        2872998923,
        3605407367,
        1343646673,
      ]
    `);
  });

  test("have no collision among 20,000 neighboring inputs beyond what chance allows", () => {
    const count = 20_000; // birthday: 0.05 collisions expected
    expect(new Set(Array.from({ length: count }, (_, i) => hashText(`peer/${i}`))).size).toBeGreaterThan(
      count - 3,
    );
    expect(new Set(Array.from({ length: count }, (_, i) => hashNumbers([0, i]))).size).toBeGreaterThan(
      count - 3,
    );
  });

  test("move about half of the bits when the last character or number changes by one", () => {
    let moved = 0;
    for (let i = 0; i < 1000; i++) {
      moved += bitsSet(hashText(`peer/${i}0`) ^ hashText(`peer/${i}1`));
      moved += bitsSet(hashNumbers([0, i]) ^ hashNumbers([0, i + 1]));
    }
    expect(moved / 2000).toBeGreaterThan(15);
    expect(moved / 2000).toBeLessThan(17);
  });

  test("depend on the seed", () => {
    expect(hashText("a", 1)).not.toBe(hashText("a", 2));
    expect(hashNumbers([1], 1)).not.toBe(hashNumbers([1], 2));
  });
});

describe("the hash of numbers", () => {
  test("tells apart order, length and what lies above 32 bits", () => {
    const lists = [[1, 2], [2, 1], [1], [1, 0], [0, 1], [], [0], [0, 0], [2 ** 32], [2 ** 32 + 1], [2 ** 52]];
    expect(new Set(lists.map((list) => hashNumbers(list))).size).toBe(lists.length);
  });

  test("takes negative numbers", () => {
    expect(hashNumbers([-1])).not.toBe(hashNumbers([1]));
    expect(hashNumbers([-1])).not.toBe(hashNumbers([2 ** 32 - 1]));
  });
});
