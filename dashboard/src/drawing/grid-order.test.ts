import { describe, expect, test } from "vitest";
import { gridShape, orderByInfection, orderByText } from "./grid-order.ts";

describe("the order of a grid", () => {
  test("by names is the one that is asked for", () => {
    expect([...orderByText(["c", "a", "b"], (a, b) => (a < b ? -1 : 1))]).toEqual([1, 2, 0]);
  });

  test("by infection begins with the origin, goes on with who got it first, and has everybody once", () => {
    expect([...orderByInfection(6, [4, 1, 4, 9], 2)]).toEqual([2, 4, 1, 0, 3, 5]);
    expect([...orderByInfection(3, [], undefined)]).toEqual([0, 1, 2]);
  });
});

describe("the shape of a grid", () => {
  test.each([
    [1, 800, 600],
    [26, 800, 600],
    [9999, 800, 600],
    [10_000, 1000, 7],
    [480_000, 800, 600],
    [1_000_000, 900, 560],
  ])("%i nodes fit into %i x %i", (count, width, height) => {
    const { columns, rows, cell } = gridShape(count, width, height);
    expect(columns * rows).toBeGreaterThanOrEqual(count);
    expect(columns * cell).toBeLessThanOrEqual(width + 1e-6);
    expect(rows * cell).toBeLessThanOrEqual(height + 1e-6);
    expect(columns * (rows - 1)).toBeLessThan(count);
  });

  test("uses as much room as whole pixels allow", () => {
    expect(gridShape(100, 1000, 1000).cell).toBe(100);
    expect(gridShape(480_000, 800, 600).cell).toBe(1);
    const { columns, rows, cell } = gridShape(100_000, 594, 460);
    expect((columns * cell * rows * cell) / (594 * 460)).toBeGreaterThan(0.98);
  });
});
