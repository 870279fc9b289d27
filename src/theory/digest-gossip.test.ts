import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { graphOfLinks, gridGraph } from "../core/graph.ts";
import { digestGossipAfter, digestGossipStep, treeReach } from "./digest-gossip.ts";
import { pushStep } from "./recurrences.ts";

const share = fc.double({ min: 0, max: 1, noNaN: true });

describe("the reach of a tree", () => {
  test("is that of its hops: a star of five", () => {
    const star = graphOfLinks(5, [
      [0, 1],
      [0, 2],
      [0, 3],
      [0, 4],
    ]);
    const [toCenter, between] = [0.9, 0.81];
    expect(treeReach({ tree: star, loss: 0.1 })).toBeCloseTo((8 * toCenter + 12 * between) / 20, 12);
  });

  test("of a line is a geometric series", () => {
    // 2 (n-h) ordered pairs are h hops apart.
    const nodes = 30;
    let sum = 0;
    for (let h = 1; h < nodes; h++) sum += 2 * (nodes - h) * 0.8 ** h;
    const line = gridGraph({ rows: 1, columns: nodes });
    expect(treeReach({ tree: line, loss: 0.2 })).toBeCloseTo(sum / (nodes * (nodes - 1)), 12);
  });

  test("is everybody without loss, and nobody where all is lost", () => {
    const line = gridGraph({ rows: 1, columns: 10 });
    expect(treeReach({ tree: line, loss: 0 })).toBe(1);
    expect(treeReach({ tree: line, loss: 1 })).toBe(0);
  });

  test("is refused for what is no tree", () => {
    const square = gridGraph({ rows: 2, columns: 2 });
    expect(() => treeReach({ tree: square, loss: 0.1 })).toThrow("tree: a graph of 4 nodes with 4 links");
    const triangleAndOne = graphOfLinks(4, [
      [0, 1],
      [1, 2],
      [2, 0],
    ]);
    expect(() => treeReach({ tree: triangleAndOne, loss: 0.1 })).toThrow("tree:");
    expect(() => treeReach({ tree: square, loss: 1.1 })).toThrow("loss: 1.1");
  });
});

describe("gossip by digests", () => {
  test("in step and without loss is push with one call", () => {
    fc.assert(
      fc.property(share, (p) => {
        expect(digestGossipStep({ p })).toBeCloseTo(pushStep({ p }), 12);
      }),
    );
  });

  test("never leaves more than there was, and less the less is lost", () => {
    fc.assert(
      fc.property(share, share, share, (p, a, b) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)];
        const tolerance = 1e-12;
        for (const next of [
          (loss: number) => digestGossipStep({ p, loss }),
          (loss: number) => digestGossipAfter({ p, loss, rounds: 1 }),
        ]) {
          expect(next(more)).toBeLessThanOrEqual(p + tolerance);
          expect(next(less)).toBeLessThanOrEqual(next(more) + tolerance);
        }
      }),
    );
  });

  test("is slower in rounds of a common clock than where everybody has its own and solicits each time", () => {
    fc.assert(
      fc.property(share, share, (p, loss) => {
        expect(digestGossipAfter({ p, loss, rounds: 1 })).toBeLessThanOrEqual(
          digestGossipStep({ p, loss }) + 1e-12,
        );
      }),
    );
  });

  test("goes on where it was: 2 rounds and 3 are 5", () => {
    fc.assert(
      fc.property(share, share, (p, loss) => {
        const two = digestGossipAfter({ p, loss, rounds: 2 });
        expect(digestGossipAfter({ p: two, loss, rounds: 3 })).toBeCloseTo(
          digestGossipAfter({ p, loss, rounds: 5 }),
          10,
        );
      }),
    );
  });

  test("solves its equation: dp/dt = -(1-loss)^3 p (1-p)", () => {
    const h = 1e-5;
    for (const [p, loss] of [
      [0.9, 0],
      [0.5, 0.1],
      [0.05, 0.4],
    ] as const) {
      const slope = (digestGossipAfter({ p, loss, rounds: h }) - p) / h;
      expect(slope).toBeCloseTo(-((1 - loss) ** 3) * p * (1 - p), 4);
    }
  });

  test("stands still where nobody has it, nobody lacks it, or all is lost", () => {
    for (const p of [0, 1]) {
      expect(digestGossipStep({ p, loss: 0.1 })).toBe(p);
      expect(digestGossipAfter({ p, loss: 0.1, rounds: 9 })).toBe(p);
    }
    expect(digestGossipStep({ p: 0.3, loss: 1 })).toBeCloseTo(0.3, 12);
    expect(digestGossipAfter({ p: 0.3, loss: 1, rounds: 9 })).toBeCloseTo(0.3, 12);
  });

  test("is refused outside its range", () => {
    expect(() => digestGossipStep({ p: 1.5 })).toThrow("p: 1.5");
    expect(() => digestGossipAfter({ p: 0.5, loss: -1, rounds: 1 })).toThrow("loss: -1");
    expect(() => digestGossipAfter({ p: 0.5, rounds: -1 })).toThrow("rounds: -1");
  });
});
