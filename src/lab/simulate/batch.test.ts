import { describe, expect, test } from "vitest";
import { type BatchConfig, inputsOf, runBatch } from "./batch.ts";
import { CurveSampler } from "./curve.ts";
import { ProgressBoard } from "./progress-board.ts";
import { isOutOfMemory } from "./task.ts";

const batch: BatchConfig = { preset: "push", nodes: 300, parameters: {}, seed: 5, runs: 6, threads: 0 };

describe("a batch", () => {
  test("runs each seed once, in order, and says so as it goes", async () => {
    const heard: number[] = [];
    const { results, known } = await runBatch({ ...batch, onResult: ({ seed }) => heard.push(seed) });
    expect(results.map(({ seed }) => seed)).toEqual([5, 6, 7, 8, 9, 10]);
    expect(heard).toEqual([5, 6, 7, 8, 9, 10]);
    expect(new Set(results.map(({ traceHash }) => traceHash)).size).toBe(6);
    expect(known).toBe(0);
  });

  test("is the same in parts", async () => {
    const { results } = await runBatch(batch);
    const parts = [];
    for (const index of [1, 2, 3, 4])
      parts.push(...(await runBatch({ ...batch, shard: { index, count: 4 } })).results);
    const hashes = (list: typeof results) => list.map(({ seed, traceHash }) => `${seed} ${traceHash}`).sort();
    expect(hashes(parts)).toEqual(hashes(results));
  });

  test("does not run again what is known", async () => {
    const { results, known } = await runBatch({ ...batch, isKnown: ({ seed }) => seed !== 7 });
    expect(results.map(({ seed }) => seed)).toEqual([7]);
    expect(known).toBe(5);
  });

  test("has what was ready when it was ended", async () => {
    const controller = new AbortController();
    const { results } = await runBatch({
      ...batch,
      signal: controller.signal,
      onResult: ({ seed }) => {
        if (seed === 6) controller.abort();
      },
    });
    expect(results.map(({ seed }) => seed)).toEqual([5, 6]);
  });

  test.each([
    [{ runs: 0 }, /runs: 0 is not an integer above 0/],
    [{ shard: { index: 5, count: 4 } }, /shard: 5\/4 is not a part/],
    [{ shard: { index: 0, count: 4 } }, /shard: 0\/4 is not a part/],
    [{ preset: "shout" }, /there is no "shout"/],
    [{ seed: 0.5 }, /seed: 0.5/],
  ])("refuses %j", (change, complaint) => {
    expect(() => inputsOf({ ...batch, ...change })).toThrow(complaint);
  });

  test("refuses one trace of many runs", async () => {
    await expect(runBatch({ ...batch, tracePath: "/nowhere/t" })).rejects.toThrow(/6 runs are too many/);
  });

  test("hands on what a run refuses", async () => {
    const one = { ...batch, runs: 1, tracePath: "/proc/nowhere/t" };
    await expect(runBatch(one)).rejects.toThrow(/trace: .* cannot be written/);
  });
});

test("memory that is not there is told from faults of ours", () => {
  expect(isOutOfMemory(Object.assign(new Error("limit"), { code: "ERR_WORKER_OUT_OF_MEMORY" }))).toBe(true);
  expect(isOutOfMemory(new RangeError("Array buffer allocation failed"))).toBe(true);
  expect(isOutOfMemory(new RangeError("Invalid array length"))).toBe(false);
  expect(isOutOfMemory(new Error("allocation failed"))).toBe(false);
});

describe("the progress board", () => {
  test("sums up runs of all threads, and tells them to stop", () => {
    const board = ProgressBoard.for(3);
    const elsewhere = ProgressBoard.over(board.memory);
    elsewhere.set(0, 1, 100, 50);
    elsewhere.set(2, 0.5, 20, 80);
    expect(board.sum).toEqual({ runs: 1.5, events: 120, virtualMs: 80 });
    expect(elsewhere.isStopped).toBe(false);
    board.stop();
    expect(elsewhere.isStopped).toBe(true);
  });
});

describe("a curve", () => {
  test.each([3, 9, 10, 11, 1000])(
    "of %d samples has at most 10 points, evenly spaced, and the last one",
    (count) => {
      const sampler = new CurveSampler("ms", 10);
      for (let i = 0; i < count; i++) sampler.add(i, count - i, i, 0);
      const { at, susceptible, infected } = sampler.curve;
      expect(at.length).toBeLessThanOrEqual(10);
      expect([at[0], at.at(-1)]).toEqual([0, count - 1]);
      const gaps = new Set(at.slice(1, -1).map((x, i) => x - at[i]!));
      expect(gaps.size).toBeLessThanOrEqual(1);
      at.forEach((x, i) => {
        expect([susceptible[i], infected[i]]).toEqual([count - x, x]);
      });
    },
  );
});
