import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Slab } from "./slab.ts";

describe("the slab", () => {
  test("gives each object back under its number, once, as a map would", () => {
    const steps = fc.array(
      fc.oneof(
        { weight: 3, arbitrary: fc.constant("put" as const) },
        fc.record({ take: fc.nat() }),
        fc.record({ peek: fc.nat() }),
      ),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(steps, (history) => {
        const slab = new Slab<object>();
        const model = new Map<number, object>();
        for (const step of history) {
          if (step === "put") {
            const item = {};
            const index = slab.put(item);
            expect(model.has(index)).toBe(false);
            model.set(index, item);
          } else if (model.size > 0) {
            const isTake = "take" in step;
            const index = [...model.keys()][(isTake ? step.take : step.peek) % model.size]!;
            expect(isTake ? slab.take(index) : slab.peek(index)).toBe(model.get(index));
            if (isTake) model.delete(index);
          }
          expect(slab.size).toBe(model.size);
        }
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  test("numbers stay as small as the most objects there ever were at once", () => {
    const slab = new Slab<number>();
    const kept: number[] = [];
    for (let i = 0; i < 10_000; i++) {
      kept.push(slab.put(i));
      if (kept.length > 10) slab.take(kept.splice((i * 7) % 10, 1)[0]!);
    }
    expect(Math.max(...kept)).toBeLessThanOrEqual(10);
  });

  test("keeps nothing of what was taken", () => {
    const slab = new Slab<object>();
    const index = slab.put({});
    slab.take(index);
    expect(slab.peek(index)).toBeUndefined();
    expect(slab.size).toBe(0);
  });
});
