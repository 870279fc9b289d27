import { expect, test } from "vitest";
import { pageOpener } from "./open-page.ts";

test("a page is opened only where somebody sits before a screen", () => {
  const desk = { environment: { DISPLAY: ":0" }, platform: "linux", isTerminal: true };
  expect(pageOpener(desk)).toBe("xdg-open");
  expect(pageOpener({ ...desk, environment: { WAYLAND_DISPLAY: "wayland-0" } })).toBe("xdg-open");
  expect(pageOpener({ ...desk, environment: {} })).toBeUndefined();
  expect(pageOpener({ ...desk, environment: { DISPLAY: ":0", CI: "true" } })).toBeUndefined();
  expect(pageOpener({ ...desk, isTerminal: false })).toBeUndefined();
  expect(pageOpener({ ...desk, platform: "darwin" })).toBeUndefined();
});
