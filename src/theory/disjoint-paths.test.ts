import { describe, expect, test } from "vitest";
import { disjointPathsNeeded, disjointPathsSuccess } from "./disjoint-paths.ts";

describe("disjoint paths", () => {
  test.each([
    [1, 0.48],
    [4, 0.93],
    [8, 0.995],
  ])("%i of 3.3 hops, a fifth adversaries, succeed with %f", (paths, expected) => {
    expect(Math.abs(disjointPathsSuccess({ adversaries: 0.2, hops: 3.3, paths }) - expected)).toBeLessThan(
      0.005,
    );
  });

  test("need none but one without adversaries, and never arrive among nothing else", () => {
    expect(disjointPathsSuccess({ adversaries: 0, hops: 9, paths: 1 })).toBe(1);
    expect(disjointPathsSuccess({ adversaries: 1, hops: 1, paths: 9 })).toBe(0);
    expect(disjointPathsSuccess({ adversaries: 1, hops: 0, paths: 1 })).toBe(1);
    expect(disjointPathsNeeded({ adversaries: 0, hops: 3, success: 0.99 })).toBe(1);
    expect(disjointPathsNeeded({ adversaries: 1, hops: 3, success: 0.99 })).toBe(Number.POSITIVE_INFINITY);
  });

  test("as many as are needed are enough, and one less is not", () => {
    for (const success of [0.5, 0.9, 0.999]) {
      const options = { adversaries: 0.3, hops: 3 };
      const paths = disjointPathsNeeded({ ...options, success });
      expect(disjointPathsSuccess({ ...options, paths })).toBeGreaterThanOrEqual(success);
      expect(disjointPathsSuccess({ ...options, paths: paths - 1 })).toBeLessThan(success);
    }
    // (1-f)^h = 1/2: three paths leave exactly an eighth.
    expect(disjointPathsNeeded({ adversaries: 0.5, hops: 1, success: 0.875 })).toBe(3);
  });

  test("no path at all, or a share beyond 1, is refused", () => {
    expect(() => disjointPathsSuccess({ adversaries: 0.1, hops: 3, paths: 0 })).toThrow(
      "paths: 0 is less than 1",
    );
    expect(() => disjointPathsSuccess({ adversaries: 2, hops: 3, paths: 1 })).toThrow(
      "adversaries: 2 is more than 1",
    );
    expect(() => disjointPathsNeeded({ adversaries: 0.1, hops: 3, success: 1 })).toThrow(
      "success: 1 is not less than 1",
    );
  });
});
