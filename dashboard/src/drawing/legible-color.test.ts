import { expect, test } from "vitest";
import { contrastOf, legibleOn, withAlpha } from "./legible-color.ts";
import { lineColors, palette } from "./palette.ts";

test("every color of the page stands out from both backgrounds", () => {
  for (const background of ["#ffffff", "#242424"]) {
    for (const color of [...lineColors, ...Object.values(palette)])
      expect(
        contrastOf(legibleOn(color, background), background),
        `${color} on ${background}`,
      ).toBeGreaterThanOrEqual(3);
  }
});

test("a color that stands out already stays as it is", () => {
  expect(legibleOn("#0072b2", "#ffffff")).toBe("#0072b2");
});

test("yellow gets darker on white and stays on black", () => {
  expect(contrastOf("#f0e442", "#ffffff")).toBeLessThan(3);
  expect(legibleOn("#f0e442", "#ffffff")).not.toBe("#f0e442");
  expect(legibleOn("#f0e442", "#000000")).toBe("#f0e442");
});

test("black on white has the contrast of the standard", () => {
  expect(contrastOf("#000000", "#ffffff")).toBeCloseTo(21);
});

test("a color shines through by so much, whatever its notation does not tell stays", () => {
  expect(withAlpha("#102030", 0.2)).toBe("#10203033");
  expect(withAlpha("red", 0.2)).toBe("red");
});
