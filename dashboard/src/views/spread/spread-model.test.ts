import { describe, expect, test } from "vitest";
import type { FeedAbout } from "../../../../src/trace/feed.ts";
import {
  knownAt,
  type ModelInput,
  meanLatencyMs,
  modelTimeTo,
  type SpreadModel,
  spreadModel,
} from "./spread-model.ts";
import { verdictOf } from "./verdict.ts";

/** 10 - 11 - 12 - 13, and 10 - 14. */
const graph = { rows: [10, 11, 12, 13, 14], adjacency: [[1, 4], [0, 2], [1, 3], [2], [0]] };
const about = (broadcast: object): FeedAbout => ({
  profile: "classic",
  options: { broadcast: { ...broadcast } },
});
const input: ModelInput = {
  world: "live",
  about: about({ method: "flood" }),
  graph,
  origin: 10,
  nodes: 5,
  hop: { hopMs: 4, receipts: 4 },
  knownAfter: () => 5,
};
function modelOf(changes: Partial<ModelInput>): SpreadModel {
  const model = spreadModel({ ...input, ...changes });
  if (model.type === "none") throw new Error(model.why);
  return model;
}
function whyNone(changes: Partial<ModelInput>): string {
  const model = spreadModel({ ...input, ...changes });
  return model.type === "none" ? model.why : "";
}

describe("of a flood", () => {
  test("are the shortest ways of the overlay, each link as long as it was measured", () => {
    const model = modelOf({});
    expect(model.name).toBe("shortest paths × 4 ms per hop");
    expect(model.hops).toEqual([1, 2, 1, 1]);
    expect(model.curve).toEqual({ afterMs: [0, 4, 8, 12], known: [1, 3, 4, 5], isStepped: true });
  });

  test("the textbook curve begins at one node and comes to all of them", () => {
    const { curve } = modelOf({}).closedForm!;
    expect(curve.known[0]).toBeCloseTo(1, 9);
    expect(curve.known.at(-1)).toBeGreaterThan(4.5);
  });

  test("says whom it cannot reach, and nothing without a receipt", () => {
    const cut = { rows: [10, 11, 12], adjacency: [[1], [0], []] };
    expect(modelOf({ graph: cut, nodes: 3 }).leavesOut.join()).toContain("1 nodes had no way");
    expect(whyNone({ hop: undefined })).toContain("No receipt yet");
    expect(whyNone({ origin: 99 })).toContain("no longer kept");
  });
});

test("of a tree is none, but how long the fewest links would take", () => {
  const why = whyNone({ about: about({ method: "plumtree" }) });
  expect(why).toContain("A tree goes where earlier messages were quickest");
  expect(why).toContain("By the fewest links it would take 12 ms to 99 %");
  expect(whyNone({ about: about({ method: "plumtree" }), hop: undefined })).toContain("No receipt yet");
});

describe("of gossip in rounds", () => {
  const rumor = { method: "rumor", mode: "push-pull", stop: "counter", stopAfter: 2, roundMs: 100 };

  test("names its parameters, and slows down with the latency of simulated links", () => {
    const quick = modelOf({ about: about(rumor), nodes: 500 });
    expect(quick.name).toBe("push-pull, a round of 100 ms, feedback and counter of 2");
    const links = { latency: { model: "constant", ms: 50 } };
    const slow = modelOf({ world: "simulated", about: { ...about(rumor), links }, nodes: 500 });
    expect(slow.name).toContain("50 ms per message");
    expect(modelTimeTo(slow.curve, 495)! / modelTimeTo(quick.curve, 495)!).toBeGreaterThan(1.5);
  });

  test("takes as many rounds as it should among a thousand", () => {
    const { curve } = modelOf({ about: about({ ...rumor, stop: "never" }), nodes: 1000 });
    expect(modelTimeTo(curve, 990)).toBeGreaterThan(520);
    expect(modelTimeTo(curve, 990)).toBeLessThan(620);
  });

  test.each([
    [{ ...rumor, connectionLimit: 1 }, "1 calls in a round"],
    [{ ...rumor, isMinimised: true }, "minimised"],
    [{ method: "no such" }, "Its options are none"],
  ])("says why there is none: %o", (options, why) => {
    expect(whyNone({ about: about(options) })).toContain(why);
  });

  test("of bimodal multicast is about what the tree has left", () => {
    const bimodal = about({ method: "bimodal", roundMs: 100 });
    expect(whyNone({ about: bimodal })).toContain("nothing was left");
    const model = modelOf({ about: bimodal, nodes: 100, knownAfter: () => 90 });
    expect(knownAt(model.curve, 100)).toBeCloseTo(90, 6);
    expect(model.name).toContain("10 % that the tree has left after 100 ms");
  });
});

test("a network of one, and one of which nothing is known, have no model", () => {
  expect(whyNone({ nodes: 1 })).toContain("nobody to tell");
  expect(whyNone({ about: undefined })).toContain("Nothing is known");
});

test("the mean latency is that of the links' law", () => {
  const of = (latency: object) =>
    meanLatencyMs("simulated", { profile: "", options: {}, links: { latency } });
  expect(of({ model: "uniform", fromMs: 10, toMs: 100 })).toBe(55);
  expect(of({ model: "log-normal", medianMs: 10, sigma: 0 })).toBe(10);
  expect(of({ model: "exponential", meanMs: 7 })).toBe(7);
  expect(of({ model: "constant", ms: 7 })).toBe(7);
  expect(meanLatencyMs("simulated", undefined), "simulated links have a default").toBe(55);
  expect(meanLatencyMs("live", undefined)).toBe(0);
});

describe("the verdict", () => {
  const model = modelOf({}); // 99 % of 5 after 12 ms
  const verdict = (measuredMs: number | undefined, reached = 5) =>
    verdictOf({
      model,
      nodes: 5,
      reached,
      measuredTimeTo: (share) => (share === 0.99 ? measuredMs : undefined),
    });

  test.each([
    [12.5, true, "measured 12.5 ms to 99 %, model 12 ms: agree within 5 %"],
    [13, true, "measured 13 ms to 99 %, model 12 ms: agree within 10 %"],
    [15.5, true, "measured 15.5 ms to 99 %, model 12 ms: agree within a hop (4 ms)"],
    [18, false, "measured 18 ms to 99 %, model 12 ms: differs, 50 % slower than the model"],
    [60, false, "measured 60 ms to 99 %, model 12 ms: differs, 5 times slower than the model"],
    [3, false, "measured 3 ms to 99 %, model 12 ms: differs, 4 times faster than the model"],
  ])("of %d ms", (measured, agrees, text) => {
    expect(verdict(measured)).toEqual({ agrees, text });
  });

  test("is about the share that was reached where nobody can be timed", () => {
    expect(verdict(undefined, 3)).toEqual({
      agrees: false,
      text: "measured 60 % reached so far, model 100 % in the end: differs",
    });
  });
});
