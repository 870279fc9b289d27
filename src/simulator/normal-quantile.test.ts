import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { normalQuantile } from "./normal-quantile.ts";

describe("the quantile of the normal distribution", () => {
  // Solved from erfc at 40 digits.
  test.each([
    [0.5, 0],
    [0.75, 0.6744897501960817],
    [0.9, 1.2815515655446004],
    [0.975, 1.9599639845400543],
    [0.99, 2.3263478740408408],
    [0.999, 3.0902323061678132],
    [1e-6, -4.753424308822899],
    [1e-12, -7.034483825301132],
    [1e-30, -11.464024688443615],
  ])("at %d is %d", (u, z) => {
    expect(Math.abs(normalQuantile(u) - z)).toBeLessThanOrEqual(1e-14 * Math.max(1, Math.abs(z)));
  });

  test("is odd about the middle and never falls", () => {
    const draw = fc.nat({ max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(draw, draw, (a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)].map((n) => (n + 0.5) / 2 ** 32) as [
          number,
          number,
        ];
        expect(normalQuantile(low)).toBeLessThanOrEqual(normalQuantile(high));
        // 1 - u is exact for these u.
        expect(normalQuantile(1 - low)).toBe(-normalQuantile(low));
      }),
    );
  });
});
