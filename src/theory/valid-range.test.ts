import { expect, test } from "vitest";
import { UsageError } from "../core/errors.ts";
import { checkNumber, checkShare, checkWhole } from "./valid-range.ts";

test("values in the range pass, both ends of closed ranges too", () => {
  checkNumber("b", 0.5, { above: 0, below: 1 });
  checkNumber("b", 0, { least: 0, most: 0 });
  checkWhole("n", 2, { least: 2 });
  checkShare("p", 0);
  checkShare("p", 1);
});

test.each([
  [() => checkNumber("b", 0, { above: 0 }), "b: 0 is not more than 0"],
  [() => checkNumber("b", 1, { below: 1 }), "b: 1 is not less than 1"],
  [() => checkNumber("b", -1, { least: 0 }), "b: -1 is less than 0"],
  [() => checkNumber("b", Number.NaN, {}), "b: NaN is not a finite number"],
  [() => checkNumber("b", Infinity, {}), "b: Infinity is not a finite number"],
  [() => checkWhole("n", 2.5, {}), "n: 2.5 is not an integer"],
  [() => checkShare("p", 1.01), "p: 1.01 is more than 1"],
])("a value outside is refused with name, value and rule", (call, message) => {
  expect(call).toThrow(new UsageError(message));
});
