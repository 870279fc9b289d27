import { describe, expect, test } from "vitest";
import type { TraceEvent } from "../../../../src/core/index.ts";
import { LivenessBook } from "../../../../src/trace/liveness.ts";
import { NodeRegister } from "../../../../src/trace/node-register.ts";
import { NetworkPicture } from "../../../../src/trace/picture.ts";
import { failuresAt, noticedAfter, percentilesOf, seedLists, stagesOf, wrongAt } from "./liveness-figures.ts";

const joined = (node: number, role: string): TraceEvent => ({
  at: 0,
  node,
  layer: "scenario",
  type: "joined",
  name: `${role}-${node}`,
  role,
});
const lists = (node: number, peer: number, at = 1): TraceEvent => ({
  at,
  node,
  layer: "introduction",
  type: "peer-listed",
  peer,
});
const world = [joined(0, "seed"), joined(1, "seed"), joined(2, "peer"), joined(3, "peer")];
const everybody = [lists(0, 2), lists(1, 3), lists(0, 3), lists(1, 2)];

function watched(events: readonly TraceEvent[]) {
  const picture = new NetworkPicture(new NodeRegister());
  const book = new LivenessBook();
  for (const event of events) {
    book.apply(event, picture);
    picture.apply(event);
  }
  return { picture, book };
}

describe("a failure", () => {
  const { book } = watched([
    ...world,
    { at: 100, node: 2, layer: "scenario", type: "crashed" },
    { at: 130, node: 3, layer: "heartbeat", type: "suspected", neighbor: 2 },
    { at: 140, node: 3, layer: "heartbeat", type: "neighbor-failed", neighbor: 2 },
    {
      at: 150,
      node: 0,
      layer: "introduction",
      type: "dead-report-received",
      suspect: 2,
      reporter: 3,
      reports: 1,
      required: 1,
    },
    {
      at: 150,
      node: 1,
      layer: "introduction",
      type: "dead-report-ignored",
      suspect: 2,
      reporter: 3,
      reason: "not a neighbor",
    },
    { at: 160, node: 0, layer: "introduction", type: "peer-removed", peer: 2, reason: "dead" },
    { at: 200, node: 2, layer: "scenario", type: "restarted", name: "peer-2", keepsDisk: true },
  ]);

  test("is shown with what was known at the cursor, and no more", () => {
    expect(failuresAt(book, 99)).toEqual([]);
    expect(failuresAt(book, 135)).toMatchObject([
      { suspectedMs: [30], failedMs: [], removedMs: [], backMs: undefined },
    ]);
    expect(failuresAt(book, 300)).toMatchObject([
      {
        suspectedMs: [30],
        failedMs: [40],
        removedMs: [60],
        reporters: 1,
        required: 1,
        ignored: 1,
        backMs: 100,
      },
    ]);
  });

  test("counts as noticed late if the first who gave it up did so after that time", () => {
    expect([noticedAfter(failuresAt(book, 300), 39), noticedAfter(failuresAt(book, 300), 40)]).toEqual([
      1, 0,
    ]);
    expect(noticedAfter(failuresAt(book, 135), 39)).toBe(0);
  });

  test("has stages with the first who got there", () => {
    expect(stagesOf(failuresAt(book, 300), "neighbor").map(({ key, first }) => [key, ...first])).toEqual([
      ["suspected", 30],
      ["failed", 40],
      ["removed", 60],
    ]);
  });
});

test("a wrong suspicion is shown from the moment on when it was said", () => {
  const { book } = watched([
    ...world,
    { at: 50, node: 3, layer: "heartbeat", type: "suspected", neighbor: 2 },
  ]);
  expect(wrongAt(book, 49)).toEqual([]);
  expect(wrongAt(book, 50)).toHaveLength(1);
});

describe("lists of seeds", () => {
  test("that hold the same agree, whatever the order in which they came to be", () => {
    const { seeds, rows, agree } = seedLists(watched([...world, ...everybody]).picture);
    expect(agree).toBe(true);
    expect(seeds.map(({ size }) => size)).toEqual([2, 2]);
    expect(seeds[0]!.fingerprint).toBe(seeds[1]!.fingerprint);
    expect(rows.map(({ why }) => why)).toEqual([undefined, undefined]);
  });

  test("differ where one has what the other lacks", () => {
    const { rows, agree } = seedLists(watched([...world, ...everybody.slice(0, 3)]).picture);
    expect(agree).toBe(false);
    expect(rows.map(({ name, listed, why }) => [name, ...listed, why])).toEqual([
      ["peer-2", true, false, "seeds differ"],
      ["peer-3", true, true, undefined],
    ]);
  });

  test("that are samples differ without anything being wrong, but for who is gone", () => {
    const crashed = { at: 5, node: 2, layer: "scenario", type: "crashed" };
    const member = (peer: number): TraceEvent => ({
      ...lists(0, peer),
      layer: "membership",
      type: "member-up",
    });
    const { picture } = watched([...world, member(2), member(3), crashed]);
    const whys = (areSamples: boolean) => seedLists(picture, areSamples).rows.map(({ why }) => why);
    expect(whys(false)).toEqual(["seeds differ", "seeds differ"]);
    expect(whys(true)).toEqual(["listed, but gone", undefined]);
  });

  test("of a dead seed are nobody's disagreement", () => {
    const crashed = { at: 5, node: 1, layer: "scenario", type: "crashed" };
    expect(seedLists(watched([...world, ...everybody.slice(0, 3), crashed]).picture).agree).toBe(true);
  });

  test("are marked where they agree on what is not so", () => {
    const crashed = { at: 5, node: 2, layer: "scenario", type: "crashed" };
    const rows = seedLists(watched([...world, lists(0, 2), lists(1, 2), crashed]).picture).rows;
    expect(rows.map(({ name, why }) => [name, why])).toEqual([
      ["peer-2", "listed, but gone"],
      ["peer-3", "not listed, but there"],
    ]);
  });
});

test("seeds and peers stand in the order of their names, numbers by their value", () => {
  const { picture } = watched([joined(10, "seed"), joined(2, "seed"), joined(11, "peer"), joined(3, "peer")]);
  const { seeds, rows } = seedLists(picture);
  expect([...seeds, ...rows].map(({ name }) => name)).toEqual(["seed-2", "seed-10", "peer-3", "peer-11"]);
});

test("percentiles are by nearest rank", () => {
  expect(percentilesOf([3, 1, 2])).toEqual({ count: 3, p50: 2, p90: 3, p99: 3, max: 3 });
  expect(percentilesOf([])).toBeUndefined();
});
