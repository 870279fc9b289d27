/** What is measured is in reproduce.test.ts; here: which figures leave the gates. */
import { expect, test } from "vitest";
import { isWithin } from "./experiment.ts";
import { plumtreeExperiment as experiment } from "./plumtree.ts";

const input = { seed: 1, runs: 1, flags: { nodes: 1000 } };
const tasks = experiment.plan(input);

/** Everything at its goal, but for `over`: that of the trees of each source. */
function leaving(over: { cost?: object; crash?: object; flood?: object }): string[] {
  const costOf = (senders: number) => ({
    ...{ senders, redundancy: 0.05, lastHop: 13, lastMs: 230, grafts: 0, announced: 3, share: 1 },
    ...over.cost,
  });
  const reached = new Array<number>(51).fill(1);
  const samples = tasks.map(({ place }) => {
    const senders = [[64], [1, 16], [1, 16], [16], [16]][place]!;
    return {
      flood: { redundancy: 3, theory: 3, ...over.flood },
      costs: senders.map(costOf),
      crash: { survivors: 100, atOnce: reached, aSecondLater: reached, ...over.crash },
    };
  });
  const { rows } = experiment.report(input, tasks, samples);
  return rows.filter((row) => !isWithin(row)).map(({ of, figure }) => `${of}: ${figure}`);
}

test("what keeps the goals is within all gates", () => {
  expect(leaving({})).toEqual([]);
});

test("a tree of a source that does not settle, reaches not everybody or has grown long does not keep them", () => {
  const ofSources = (figure: string) => [
    `tree of each source, fixed latencies, 64 senders: ${figure}`,
    `tree of each source, fixed latencies, 1 sender: ${figure}`,
    `tree of each source, fixed latencies, 16 senders: ${figure}`,
    `tree of each source, jittered latencies, 1 sender: ${figure}`,
    `tree of each source, jittered latencies, 16 senders: ${figure}`,
  ];
  expect(leaving({ cost: { redundancy: 0.051 } })).toEqual(ofSources("RMR"));
  expect(leaving({ cost: { share: 0.9999 } })).toEqual(ofSources("share of the nodes reached"));
  // One sender is no goal: the longest way of a single tree is as chance has it.
  const isOfSome = (row: string) => !row.includes("1 sender:");
  expect(leaving({ cost: { lastHop: 13.1 } })).toEqual(ofSources("last delivery hop").filter(isOfSome));
});

test("of 80 % crashed nobody may be missed, of 90 % one in a thousand", () => {
  const reached = (share: number) => new Array<number>(51).fill(share);
  expect(leaving({ crash: { atOnce: reached(0.9995) } })).toEqual([
    "80 % crashed at once, fixed latencies: survivors reached in 5 s, sent at the crash",
  ]);
  expect(leaving({ crash: { aSecondLater: reached(0.998) } })).toEqual([
    "80 % crashed at once, fixed latencies: survivors reached in 5 s, sent 1 s later",
    "90 % crashed at once, jittered latencies: survivors reached in 5 s, sent 1 s later",
  ]);
});

test("a first message that is no flood is seen", () => {
  expect(leaving({ flood: { redundancy: 2.9 } })).toHaveLength(tasks.length);
});
