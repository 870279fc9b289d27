import { describe, expect, test } from "vitest";
import { linksNow } from "./hands-rules.ts";

describe("what links are like now", () => {
  test("is known where it was set, and for loss where nobody loses anything by himself", () => {
    expect(linksNow({}, "live")).toEqual({ lossPercent: 0, latencyMs: undefined });
    expect(linksNow({}, "simulated")).toEqual({ lossPercent: undefined, latencyMs: undefined });
    expect(linksNow({ loss: 0.2, latency: { model: "constant", ms: 250 } }, "live")).toEqual({
      lossPercent: 20,
      latencyMs: 250,
    });
  });

  test("is no single number where latencies differ, or a trace says nonsense", () => {
    expect(linksNow({ loss: 0, latency: { model: "uniform", fromMs: 5, toMs: 50 } }, "simulated")).toEqual({
      lossPercent: 0,
      latencyMs: undefined,
    });
    expect(linksNow({ loss: "much", latency: null }, "live")).toEqual({
      lossPercent: 0,
      latencyMs: undefined,
    });
  });
});
