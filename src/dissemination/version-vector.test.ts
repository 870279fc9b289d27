import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { VersionVector } from "./version-vector.ts";

const server = fc.constantFrom<string | number>("a", "b", "1", 1, 2);
const vector = fc
  .array(fc.tuple(server, fc.nat(3)), { maxLength: 6 })
  .map((stamps) => new VersionVector(stamps));
const merged = (a: VersionVector, b: VersionVector) => {
  const result = a.copy();
  result.merge(b);
  return result;
};
const same = (a: VersionVector, b: VersionVector) => a.compare(b) === "equal";

describe("merging", () => {
  test("is commutative, associative and idempotent", () => {
    fc.assert(
      fc.property(vector, vector, vector, (a, b, c) => {
        expect(same(merged(a, b), merged(b, a))).toBe(true);
        expect(same(merged(merged(a, b), c), merged(a, merged(b, c)))).toBe(true);
        expect(same(merged(a, a), a)).toBe(true);
      }),
    );
  });

  test("gives the least vector that includes both", () => {
    fc.assert(
      fc.property(vector, vector, vector, (a, b, c) => {
        const both = merged(a, b);
        expect(both.includes(a) && both.includes(b)).toBe(true);
        expect(c.includes(both)).toBe(c.includes(a) && c.includes(b));
      }),
    );
  });
});

describe("dominance", () => {
  test("is the order of all stamps at once; where neither is, both know something of their own", () => {
    fc.assert(
      fc.property(vector, vector, (a, b) => {
        const servers = ["a", "b", "1", 1, 2];
        const [more, less] = [
          servers.some((each) => a.get(each) > b.get(each)),
          servers.some((each) => a.get(each) < b.get(each)),
        ];
        const expected = more ? (less ? "concurrent" : "dominates") : less ? "dominated" : "equal";
        expect(a.compare(b)).toBe(expected);
      }),
    );
  });

  test("is a partial order", () => {
    fc.assert(
      fc.property(vector, vector, vector, (a, b, c) => {
        expect(a.includes(a)).toBe(true);
        if (a.includes(b) && b.includes(a)) expect(same(a, b)).toBe(true);
        if (a.includes(b) && b.includes(c)) expect(a.includes(c)).toBe(true);
      }),
    );
  });
});

test("stamps never go back, and a server that is not named counts as 0", () => {
  const one = new VersionVector([["a", 5]]);
  one.advance("a", 3);
  one.advance("b", 0);
  expect([one.get("a"), one.get("b"), one.size]).toEqual([5, 0, 1]);
});
