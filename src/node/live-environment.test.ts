import { afterEach, expect, test, vi } from "vitest";
import { LiveEnvironment } from "./live-environment.ts";
import { systemRandom } from "./system-random.ts";

afterEach(() => vi.restoreAllMocks());

const make = () =>
  new LiveEnvironment({
    self: "anna@127.0.0.1:1",
    random: systemRandom,
    send() {},
    onTimer() {},
    onNotice() {},
  });

test("time goes on when somebody sets the clock back, and does not jump when it has caught up", () => {
  let wall = 5_000_000;
  let elapsed = 100.5;
  vi.spyOn(Date, "now").mockImplementation(() => wall);
  vi.spyOn(performance, "now").mockImplementation(() => elapsed);
  const env = make();
  const pass = (ms: number) => {
    wall += ms;
    elapsed += ms;
  };
  expect(env.now).toBe(5_000_000);
  pass(1000);
  expect(env.now).toBe(5_001_000);
  wall -= 3_600_000;
  expect(env.now).toBe(5_001_000);
  pass(500);
  expect(env.now).toBe(5_001_500);
  pass(3_600_000);
  expect(env.now).toBe(8_601_500);
  // A machine that slept: its clock is ahead of what it has counted.
  wall += 7_200_000;
  expect(env.now).toBe(wall);
});
