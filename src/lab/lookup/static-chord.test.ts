import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { keyFromNumber } from "../../core/index.ts";
import { Fingers } from "../../lookup/index.ts";
import { KeySpace } from "./key-space.ts";
import { staticChord } from "./static-chord.ts";

describe("a built Chord table", () => {
  test("is the one that a node would have which had heard of everybody", () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.integer({ min: 1, max: 80 }), (seed, rows) => {
        const keys = new KeySpace({ seed, rows });
        const tableOf = staticChord(keys, { successors: 4 });
        for (const self of keys.nodes) {
          const table = tableOf(self.node as number);
          const fingers = new Fingers(self.key);
          for (const node of keys.nodes) fingers.learn(node);
          expect(table.fingers).toEqual(fingers.nodes);
          const rank = keys.rankOf(self.node as number);
          const others = [...keys.sorted.slice(rank + 1), ...keys.sorted.slice(0, rank)];
          expect(table.successors).toEqual(others.slice(0, 4));
          expect(table.predecessor).toBe(others.at(-1));
        }
      }),
      { numRuns: 30 },
    );
  });

  test("is exact where digits beyond the fifteenth decide", () => {
    const keyOf = (row: number) => keyFromNumber((1n << 159n) + BigInt(row * row));
    const keys = new KeySpace({ seed: 1, rows: 40, keyOf });
    const tableOf = staticChord(keys);
    for (const self of keys.nodes) {
      const fingers = new Fingers(self.key);
      for (const node of keys.nodes) fingers.learn(node);
      expect(tableOf(self.node as number).fingers).toEqual(fingers.nodes);
    }
  });
});
