import { expect, test } from "vitest";
import { shortened } from "./shortened.ts";

test("a long name keeps its beginning and its end, a short one all of it", () => {
  expect(shortened("peer-3")).toBe("peer-3");
  expect(shortened("x".repeat(28))).toBe("x".repeat(28));
  expect(shortened(`${"a".repeat(100)}${"b".repeat(100)}-17`)).toBe("aaaaaaaaaaaaaa…bbbbbbbbbb-17");
});
